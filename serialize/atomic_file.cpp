// SPDX-License-Identifier: MIT
#include "serialize/atomic_file.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "serialize/temporary_file.h"
#include "wick/core/error.h"

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

// What writing to `path` would write to: the end of a chain of links, whether there is something or
// not. Links in front of the last name are the system's business.
fs::path final_target(const fs::path& path) {
  constexpr int kMaxLinks = 40;  // as Linux
  fs::path target = path;
  for (int links = 0; links <= kMaxLinks; ++links) {
    std::error_code error;
    const fs::path next = fs::read_symlink(target, error);
    if (error) return target;  // no link, or not there: what uses it says why
    target = next.is_absolute() ? next : target.parent_path() / next;
  }
  throw IoError(concat("cannot write ", path, ": ", reason(ELOOP)));
}

// The permissions of the file that is replaced, its owner and its group as far as they may be
// given. Bits that lend rights (set-user-ID, set-group-ID) are not: the content is another one.
void take_over(int descriptor, const struct stat& existing) {
  struct stat created {};
  if (::fstat(descriptor, &created) != 0) return;
  mode_t mode = existing.st_mode & 0777;
  const bool same = created.st_uid == existing.st_uid && created.st_gid == existing.st_gid;
  if (!same && ::fchown(descriptor, existing.st_uid, existing.st_gid) != 0 &&
      ::fchown(descriptor, static_cast<uid_t>(-1), existing.st_gid) != 0) {
    // Another group must not get more than everybody.
    mode &= ~static_cast<mode_t>(070) | ((mode & 07) << 3);
  }
  // Where it is not allowed, the file merely gets the default permissions.
  static_cast<void>(::fchmod(descriptor, mode));
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& path, bool sync) : path_(final_target(path)), sync_(sync) {
  struct stat existing {};
  const bool exists = ::stat(path_.c_str(), &existing) == 0;
  // Among others a name that is too long, which would show only when all is written.
  if (!exists && errno != ENOENT)
    throw IoError(concat("cannot write ", path_, ": ", reason(errno)));
  if (exists && !S_ISREG(existing.st_mode)) {
    throw IoError(concat("cannot write ", path_, ": ",
                         S_ISDIR(existing.st_mode) ? "it is a directory" : "not a regular file"));
  }
  // A rename would replace even a file that must not be written.
  if (exists && ::access(path_.c_str(), W_OK) != 0) {
    throw IoError(concat("cannot write ", path_, ": ", reason(errno)));
  }
  if (!path_.has_filename()) throw IoError(concat("cannot write ", path_, ": no file name"));
  remove_stale_temporaries(directory_of(path_));
  buffer_.reserve(kBufferBytes);  // before there is a file that nobody would remove
  descriptor_ = create_temporary(directory_of(path_), temporary_);
  if (descriptor_ < 0) {
    const int code = errno;
    temporary_.clear();  // it may be somebody else's
    throw IoError(concat("cannot write ", path_, ": cannot create a file in ", directory_of(path_),
                         ": ", reason(code)));
  }
  if (exists) take_over(descriptor_, existing);
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
  // The second descriptor keeps the lock until the file has its name.
  const int locked = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0);
  if (locked < 0) fail("fcntl", errno);
  // After close() the descriptor is gone, whatever it returned.
  const int closing = std::exchange(descriptor_, locked);
  if (::close(closing) != 0 && errno != EINTR) fail("close", errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail("rename", errno);
  temporary_.clear();
  ::close(std::exchange(descriptor_, -1));
  if (sync_) sync_directory();
}

// Makes the new name itself durable.
void AtomicFile::sync_directory() const {
  const fs::path directory = directory_of(path_);
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) {
    if (errno == EACCES) return;  // a directory that may be written but not read
    throw IoError(
        concat("wrote ", path_, ", but cannot open its directory to sync it: ", reason(errno)));
  }
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
