// SPDX-License-Identifier: MIT
// Python's int where it does not fit 64 bits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "wick/core/compiler.h"

namespace wick {

/// An integer of any size, kept for checkpoints: it converts and compares, and does no arithmetic.
class WICK_API BigInteger {
 public:
  BigInteger() = default;  // 0
  /// Two's complement, little-endian, of any length; none is 0.
  [[nodiscard]] static BigInteger from_bytes(std::string bytes);
  /// Digits with an optional sign in front. Throws ValueError for anything else. Time grows with
  /// the square of the length, as for to_string().
  [[nodiscard]] static BigInteger from_string(std::string_view decimal);

  /// Two's complement, little-endian, the fewest bytes that keep the sign; none for 0.
  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }
  [[nodiscard]] bool is_negative() const noexcept;
  /// Empty where it does not fit.
  [[nodiscard]] std::optional<std::int64_t> to_int64() const noexcept;
  /// The nearest float64, ties to even; infinite where it is too large.
  [[nodiscard]] double to_double() const;
  /// In decimal digits.
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const BigInteger&, const BigInteger&) = default;
  /// Exact: true only where the float is this very integer.
  friend WICK_API bool operator==(const BigInteger& integer, double real);

 private:
  std::string bytes_;
};

}  // namespace wick
