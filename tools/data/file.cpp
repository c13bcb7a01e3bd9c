// SPDX-License-Identifier: MIT
// Whole files in and out of memory, by POSIX calls, whose errors say what went wrong.
#include "tools/data/file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wick/core/error.h"

namespace wick::tools {
namespace {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  /// Closes now, and says whether the system reported a late error.
  [[nodiscard]] bool close() {
    const int fd = fd_;
    fd_ = -1;
    return ::close(fd) == 0;
  }

 private:
  int fd_;
};

[[noreturn]] void fail(const char* what, const std::filesystem::path& path, int error) {
  throw IoError(concat("cannot ", what, " '", path.string(), "': ", std::strerror(error)));
}

void write_all(int fd, std::span<const std::uint8_t> bytes, const std::filesystem::path& path) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("write", path, errno);
    done += static_cast<std::size_t>(count);
  }
}

}  // namespace

ByteBuffer read_file(const std::filesystem::path& path) {
  // Without O_NONBLOCK, opening a pipe would wait for its writer.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) fail("read", path, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail("read", path, errno);
  if (!S_ISREG(status.st_mode)) {
    throw IoError(concat("cannot read '", path.string(), "': it is ",
                         S_ISDIR(status.st_mode) ? "a folder" : "no regular file"));
  }
  ByteBuffer buffer(static_cast<std::size_t>(status.st_size));
  std::size_t done = 0;
  while (done < buffer.size) {
    const ssize_t count = ::read(file.get(), buffer.data.get() + done, buffer.size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("read", path, errno);
    if (count == 0) break;  // it has become shorter meanwhile
    done += static_cast<std::size_t>(count);
  }
  buffer.size = done;
  return buffer;
}

void write_file(const std::filesystem::path& path, std::span<const std::uint8_t> bytes) {
  const std::string temporary = concat(path.string(), ".", ::getpid(), ".tmp");
  Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (file.get() < 0) fail("write", path, errno);
  try {
    write_all(file.get(), bytes, path);
    if (::fsync(file.get()) != 0) fail("write", path, errno);
    if (!file.close()) fail("write", path, errno);
    if (std::rename(temporary.c_str(), path.c_str()) != 0) fail("write", path, errno);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

}  // namespace wick::tools
