// SPDX-License-Identifier: MIT
// A regular file that is read at any place.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

namespace wick {

/// Owns an open descriptor. Throws IoError, naming the path and the system's reason.
/// Thread safety: read_at() may be called from several threads.
class InputFile {
 public:
  explicit InputFile(std::filesystem::path path);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// Bytes, when it was opened.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// For calls of the system; it stays this object's.
  [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
  /// Throws IoError where the file has become shorter since it was opened.
  void require_size() const;
  /// Fills `out` from `offset` on. Throws IoError where the file has become shorter.
  void read_at(std::uint64_t offset, std::span<char> out) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace wick
