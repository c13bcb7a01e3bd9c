// SPDX-License-Identifier: MIT
#include "serialize/temporary_file.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <random>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace wick {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".tmp";
constexpr std::size_t kDigits = 16;
constexpr int kMaxNames = 20'000;

std::string hex(std::uint64_t value, std::size_t digits) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string text(digits, '0');
  for (std::size_t i = digits; i-- > 0; value >>= 4) text[i] = kHex[value & 15];
  return text;
}

// What the names of this host's files begin with.
std::string prefix() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) name[0] = '\0';
  std::uint64_t hash = 0xCBF29CE484222325U;  // FNV-1a: the same in every process
  for (const char c : std::string_view(name.data())) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  }
  return ".wick-" + hex(hash >> 32, 8) + '-';
}

// A lock of the file, at once or not at all; waits only for a signal's interruption.
bool lock(int descriptor, int mode) {
  int result = 0;
  do {
    result = ::flock(descriptor, LOCK_EX | mode);
  } while (result != 0 && errno == EINTR);
  return result == 0;
}

bool is_still_at(int descriptor, const fs::path& path) {
  struct stat open {};
  struct stat there {};
  return ::fstat(descriptor, &open) == 0 && ::lstat(path.c_str(), &there) == 0 &&
         open.st_dev == there.st_dev && open.st_ino == there.st_ino;
}

void remove_if_stale(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode) ||
      status.st_uid != ::geteuid()) {
    return;
  }
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return;
  if (lock(descriptor, LOCK_NB) && is_still_at(descriptor, path)) ::unlink(path.c_str());
  ::close(descriptor);
}

}  // namespace

int create_temporary(const fs::path& directory, fs::path& path) {
  std::random_device random;
  while (true) {
    // A name independent of the target's, so that it is never too long.
    const std::uint64_t number = std::uint64_t{random()} << 32 | random();
    path = directory / (prefix() + hex(number, kDigits) + std::string(kSuffix));
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0) {
      if (errno == EEXIST || errno == EINTR) continue;
      return -1;
    }
    // Between the two calls someone who tidies up may have locked and removed it.
    if (!lock(descriptor, 0) || is_still_at(descriptor, path)) return descriptor;
    ::close(descriptor);
  }
}

void remove_stale_temporaries(const fs::path& directory) noexcept {
  try {
    const std::string start = prefix();
    std::error_code error;
    int left = kMaxNames;
    for (fs::directory_iterator it(directory, error), end; !error && it != end && left-- > 0;
         it.increment(error)) {
      const std::string name = it->path().filename().string();
      if (name.size() == start.size() + kDigits + kSuffix.size() && name.starts_with(start) &&
          name.ends_with(kSuffix)) {
        remove_if_stale(it->path());
      }
    }
  } catch (const std::exception&) {
    // Memory is short: then it is not the time to tidy up.
  }
}

}  // namespace wick
