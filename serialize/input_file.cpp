// SPDX-License-Identifier: MIT
#include "serialize/input_file.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wick/core/error.h"

namespace wick {
namespace {

constexpr std::size_t kMaxReadBytes = std::size_t{1} << 28;

std::string reason(int code) {
  return std::generic_category().message(code);
}

}  // namespace

InputFile::InputFile(std::filesystem::path path) : path_(std::move(path)) {
  // Without O_NONBLOCK, opening a pipe would wait for its writer.
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) throw IoError(concat("cannot open ", path_, ": ", reason(errno)));
  struct stat status {};
  const int result = ::fstat(descriptor_, &status);
  if (result != 0 || !S_ISREG(status.st_mode)) {
    const int code = errno;
    ::close(descriptor_);
    throw IoError(concat("cannot read ", path_, ": ",
                         result != 0               ? reason(code)
                         : S_ISDIR(status.st_mode) ? "it is a directory"
                                                   : "not a regular file"));
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
}

InputFile::~InputFile() {
  ::close(descriptor_);
}

void InputFile::require_size() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) {
    throw IoError(concat("cannot read ", path_, ": ", reason(errno)));
  }
  if (static_cast<std::uint64_t>(status.st_size) < size_) {
    throw IoError(concat("cannot read ", path_, ": it has shrunk from ", size_, " to ",
                         status.st_size, " bytes; was it changed meanwhile?"));
  }
}

void InputFile::read_at(std::uint64_t offset, std::span<char> out) const {
  while (!out.empty()) {
    const ssize_t got = ::pread(descriptor_, out.data(), std::min(out.size(), kMaxReadBytes),
                                static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw IoError(concat("cannot read ", path_, ": ", reason(errno)));
    if (got == 0) {
      throw IoError(concat("cannot read ", path_, ": it ends at offset ", offset, ", ", out.size(),
                           " byte(s) early; was it changed meanwhile?"));
    }
    offset += static_cast<std::uint64_t>(got);
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace wick
