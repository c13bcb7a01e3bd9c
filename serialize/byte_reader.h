// SPDX-License-Identifier: MIT
// A bounded little-endian cursor over bytes; every error says in which record and at which offset.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "wick/core/error.h"

namespace wick {

/// Reads forward through `bytes`, which must outlive it, and never beyond their end: every read
/// that does not fit throws FormatError.
class ByteReader {
 public:
  /// `where` names what is read, as in `"model.pt", record "data.pkl"`; `base` is added to the
  /// offsets of messages.
  ByteReader(std::string_view bytes, std::string where, std::uint64_t base = 0)
      : bytes_(bytes), where_(std::move(where)), base_(base) {}

  [[nodiscard]] std::size_t offset() const noexcept { return offset_; }
  [[nodiscard]] std::size_t remaining() const noexcept { return bytes_.size() - offset_; }
  /// All of them.
  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }

  /// An unsigned little-endian integer.
  template <std::unsigned_integral T>
  [[nodiscard]] T read() {
    const std::string_view raw = take(sizeof(T));
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      value =
          static_cast<T>(value | static_cast<T>(T{static_cast<unsigned char>(raw[i])} << (8 * i)));
    }
    return value;
  }
  /// The next `count` bytes.
  [[nodiscard]] std::string_view take(std::uint64_t count) {
    if (count > remaining()) {
      fail(concat("needs ", count, " more byte(s), but only ", remaining(), " are left"));
    }
    const std::string_view taken = bytes_.substr(offset_, static_cast<std::size_t>(count));
    offset_ += static_cast<std::size_t>(count);
    return taken;
  }
  /// The next `count` bytes, or all that are left, which stay the next ones.
  [[nodiscard]] std::string_view peek(std::uint64_t count) const noexcept {
    return bytes_.substr(offset_,
                         static_cast<std::size_t>(std::min<std::uint64_t>(count, remaining())));
  }
  void skip(std::uint64_t count) { static_cast<void>(take(count)); }
  /// The bytes before the next '\n', which is consumed.
  [[nodiscard]] std::string_view take_line() {
    const std::size_t end = bytes_.find('\n', offset_);
    if (end == std::string_view::npos) fail("a line has no end");
    const std::string_view line = bytes_.substr(offset_, end - offset_);
    offset_ = end + 1;
    return line;
  }

  /// Throws FormatError for what begins at the current offset, or at `offset`.
  [[noreturn]] void fail(std::string_view what) const { fail_at(offset_, what); }
  [[noreturn]] void fail_at(std::size_t offset, std::string_view what) const {
    throw FormatError(message_at(offset, what));
  }
  [[nodiscard]] std::string message_at(std::size_t offset, std::string_view what) const {
    return concat(where_, ", offset ", base_ + offset, ": ", what);
  }

 private:
  std::string_view bytes_;
  std::string where_;
  std::uint64_t base_;
  std::size_t offset_ = 0;
};

}  // namespace wick
