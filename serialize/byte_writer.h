// SPDX-License-Identifier: MIT
// Appends little-endian numbers and bytes to a string.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace wick {

class ByteWriter {
 public:
  /// An unsigned integer in as many bytes as its type has.
  template <std::unsigned_integral T>
  void write(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      bytes_.push_back(static_cast<char>(static_cast<unsigned char>(value >> (8 * i))));
    }
  }
  void bytes(std::string_view bytes) { bytes_.append(bytes); }
  void fill(std::size_t count, char byte) { bytes_.append(count, byte); }

  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] const std::string& str() const noexcept { return bytes_; }
  [[nodiscard]] std::string release() noexcept { return std::move(bytes_); }

 private:
  std::string bytes_;
};

}  // namespace wick
