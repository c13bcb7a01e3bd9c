// SPDX-License-Identifier: MIT
#include "tools/cli/standard_input.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wick/core/error.h"

namespace wick::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDescriptors = "/proc/self/fd/";
constexpr std::size_t kPiece = std::size_t{1} << 20;  // bytes

std::string path_of(int descriptor) {
  return concat(kDescriptors, descriptor);
}

fs::path temporary_folder() {
  std::error_code error;
  const fs::path folder = fs::temp_directory_path(error);
  return error ? fs::path("/tmp") : folder;
}

[[noreturn]] void fail_to_keep(int code) {
  throw IoError(concat("cannot keep a copy of standard input in '", temporary_folder().string(),
                       "': ", std::strerror(code), "; TMPDIR may name another folder"));
}

int open_unnamed() {
  const std::string folder = temporary_folder().string();
  const int file = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0) return file;
  // Not all file systems can do that.
  std::string name = folder + "/wick-XXXXXX";
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named < 0) fail_to_keep(errno);
  ::unlink(name.c_str());
  return named;
}

/// Up to its end.
void copy_input(int to) {
  std::vector<char> piece(kPiece);
  while (true) {
    const ssize_t got = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw IoError(concat("cannot read standard input: ", std::strerror(errno)));
    if (got == 0) return;
    for (ssize_t done = 0; done < got;) {
      const ssize_t wrote = ::write(to, piece.data() + done, static_cast<std::size_t>(got - done));
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) fail_to_keep(errno);
      done += wrote;
    }
  }
}

void require_no_pipe(const fs::path& path) {
  std::error_code error;
  const fs::file_type type = fs::status(path, error).type();
  const bool is_stream = type == fs::file_type::fifo || type == fs::file_type::character ||
                         type == fs::file_type::socket;
  if (error || !is_stream) return;
  throw IoError(concat("cannot read '", path.string(),
                       "': it is no regular file; give - and send it to standard input"));
}

}  // namespace

StandardInput::~StandardInput() {
  if (copy_ >= 0) ::close(copy_);
}

fs::path StandardInput::file_for(const fs::path& argument) {
  if (argument != "-") {
    require_no_pipe(argument);
    return argument;
  }
  if (!path_.empty()) return path_;
  if (::isatty(STDIN_FILENO) == 1) {
    throw IoError(
        "'-' is standard input, which is a terminal; send a file to it, as in"
        " 'ckpt ls - < FILE', or name one");
  }
  struct stat status {};
  const bool is_file = ::fstat(STDIN_FILENO, &status) == 0 && S_ISREG(status.st_mode) &&
                       ::lseek(STDIN_FILENO, 0, SEEK_CUR) == 0;
  if (is_file) {
    path_ = path_of(STDIN_FILENO);
  } else {
    copy_ = open_unnamed();
    copy_input(copy_);
    path_ = path_of(copy_);
  }
  return path_;
}

std::string with_shown_names(std::string text) {
  for (std::size_t at = text.find(kDescriptors); at != std::string::npos;
       at = text.find(kDescriptors, at)) {
    std::size_t end = text.find_first_not_of("0123456789", at + kDescriptors.size());
    if (end == std::string::npos) end = text.size();
    const bool is_quoted = at > 0 && end < text.size() && text[at - 1] == text[end] &&
                           (text[end] == '"' || text[end] == '\'');
    if (is_quoted) {
      --at;
      ++end;
    }
    text.replace(at, end - at, "standard input");
  }
  return text;
}

}  // namespace wick::tools
