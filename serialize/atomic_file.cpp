// SPDX-License-Identifier: MIT
#include "serialize/atomic_file.h"

#include <algorithm>
#include <cerrno>
#include <iomanip>
#include <random>
#include <sstream>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"

namespace wick {
namespace {

namespace fs = std::filesystem;

// Every write but the last begins and ends at a multiple of this, which the system's page cache
// likes.
constexpr std::size_t kBufferBytes = std::size_t{256} << 10;
// One write(2) of Linux takes at most 2 GiB; smaller pieces keep interruptions short.
constexpr std::size_t kMaxWriteBytes = std::size_t{1} << 28;

std::string reason(int code) {
  return std::generic_category().message(code);
}

fs::path directory_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// A name independent of the target's, so that it is never too long.
fs::path temporary_beside(const fs::path& path) {
  std::random_device random;
  std::ostringstream name;
  name << ".wick-" << std::hex << std::setfill('0') << std::setw(8) << random() << std::setw(8)
       << random() << ".tmp";
  return directory_of(path) / name.str();
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& path, bool sync) : path_(path), sync_(sync) {
  std::error_code error;
  if (fs::is_symlink(path, error)) {
    path_ = fs::weakly_canonical(path, error);
    if (error) throw IoError(concat("cannot write ", path, ": ", error.message()));
  }
  struct stat existing {};
  const bool exists = ::stat(path_.c_str(), &existing) == 0;
  if (exists && !S_ISREG(existing.st_mode)) {
    throw IoError(concat("cannot write ", path_, ": ",
                         S_ISDIR(existing.st_mode) ? "it is a directory" : "not a regular file"));
  }
  // A rename would replace even a file that must not be written.
  if (exists && ::access(path_.c_str(), W_OK) != 0) {
    throw IoError(concat("cannot write ", path_, ": ", reason(errno)));
  }
  if (!path_.has_filename()) throw IoError(concat("cannot write ", path_, ": no file name"));
  do {
    temporary_ = temporary_beside(path_);
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor_ < 0 && (errno == EEXIST || errno == EINTR));
  if (descriptor_ < 0) {
    throw IoError(concat("cannot write ", path_, ": cannot create a file in ", directory_of(path_),
                         ": ", reason(errno)));
  }
  // Where it is not allowed, the file merely gets the default permissions.
  if (exists) static_cast<void>(::fchmod(descriptor_, existing.st_mode & 07777));
  buffer_.reserve(kBufferBytes);
}

AtomicFile::~AtomicFile() {
  discard();
}

void AtomicFile::discard() noexcept {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

void AtomicFile::fail(const char* operation, int code) {
  discard();
  throw IoError(concat("cannot write ", path_, ": ", operation, " failed: ", reason(code)));
}

void AtomicFile::write(std::string_view bytes) {
  if (descriptor_ < 0) throw IoError(concat("cannot write ", path_, ": it is closed"));
  size_ += bytes.size();
  while (!bytes.empty()) {
    std::size_t count = bytes.size() / kBufferBytes * kBufferBytes;
    if (buffer_.empty() && count != 0) {
      write_through(bytes.substr(0, count));
    } else {
      count = std::min(bytes.size(), kBufferBytes - buffer_.size());
      buffer_.append(bytes.substr(0, count));
      if (buffer_.size() == kBufferBytes) flush();
    }
    bytes.remove_prefix(count);
  }
}

void AtomicFile::flush() {
  write_through(buffer_);
  buffer_.clear();
}

void AtomicFile::write_through(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written =
        ::write(descriptor_, bytes.data(), std::min(bytes.size(), kMaxWriteBytes));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail("write", written < 0 ? errno : ENOSPC);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void AtomicFile::commit() {
  if (descriptor_ < 0) throw IoError(concat("cannot write ", path_, ": it is closed"));
  flush();
  while (sync_ && ::fsync(descriptor_) != 0) {
    if (errno != EINTR) fail("fsync", errno);
  }
  // After close() the descriptor is gone, whatever it returned.
  const int closing = descriptor_;
  descriptor_ = -1;
  if (::close(closing) != 0 && errno != EINTR) fail("close", errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail("rename", errno);
  temporary_.clear();
  if (sync_) sync_directory();
}

// Makes the new name itself durable.
void AtomicFile::sync_directory() const {
  const fs::path directory = directory_of(path_);
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;  // a directory that may be written but not read
  int result = 0;
  do {
    result = ::fsync(descriptor);
  } while (result != 0 && errno == EINTR);
  const int code = errno;
  ::close(descriptor);
  // Some file systems cannot sync a directory and say EINVAL.
  if (result != 0 && code != EINVAL) {
    throw IoError(concat("wrote ", path_, ", but fsync of its directory failed: ", reason(code)));
  }
}

void write_file_atomically(const fs::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

}  // namespace wick
