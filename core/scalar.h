// SPDX-License-Identifier: MIT
// One number of any kind, where PyTorch takes a Python bool, int or float.
#pragma once

#include <concepts>
#include <cstdint>
#include <ostream>
#include <utility>

#include "wick/core/compiler.h"

namespace wick {

/// Keeps an integer as int64 and any other number as float64, so that neither loses bits. Unsigned
/// integers above the largest int64 become floating, as no dtype of arithmetic holds them.
class WICK_API Scalar {
 public:
  /// In the order in which PyTorch promotes them.
  enum class Kind : std::uint8_t { boolean, integer, floating };

  constexpr Scalar() = default;  // the integer 0
  constexpr Scalar(std::same_as<bool> auto value) : kind_(Kind::boolean), integer_(value ? 1 : 0) {}
  template <std::integral T>
  requires(!std::same_as<T, bool>) constexpr Scalar(T value) {
    if (std::in_range<std::int64_t>(value)) {
      integer_ = static_cast<std::int64_t>(value);
    } else {
      kind_ = Kind::floating;
      floating_ = static_cast<double>(value);
    }
  }
  template <std::floating_point T>
  constexpr Scalar(T value) : kind_(Kind::floating), floating_(static_cast<double>(value)) {}

  [[nodiscard]] constexpr Kind kind() const noexcept { return kind_; }
  /// Converted as C++ converts; to float32 by rounding.
  template <typename T>
  [[nodiscard]] constexpr T to() const noexcept {
    return kind_ == Kind::floating ? static_cast<T>(floating_) : static_cast<T>(integer_);
  }

 private:
  Kind kind_ = Kind::integer;
  std::int64_t integer_ = 0;
  double floating_ = 0.0;
};

inline std::ostream& operator<<(std::ostream& out, const Scalar& number) {
  if (number.kind() == Scalar::Kind::floating) return out << number.to<double>();
  if (number.kind() == Scalar::Kind::integer) return out << number.to<std::int64_t>();
  return out << (number.to<bool>() ? "true" : "false");
}

}  // namespace wick
