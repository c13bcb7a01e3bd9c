// SPDX-License-Identifier: MIT
// Bits of small binary floating-point formats to float and back. constexpr, and free of calls into
// the C library, so that kernels of every device can use it.
#pragma once

#include <bit>
#include <cstdint>

#include "wick/core/compiler.h"

namespace wick::detail {

// 1 sign bit, `exponent_bits`, `mantissa_bits`.
struct WICK_API Format {
  int exponent_bits;
  int mantissa_bits;
  int bias;
  bool has_infinity;  // the all-ones exponent means infinity and NaN
  bool fnuz;          // negative zero's code is the only NaN; no infinity
  bool saturates;     // overflow and infinity become the largest finite magnitude
  [[nodiscard]] constexpr unsigned sign_mask() const {
    return 1U << (exponent_bits + mantissa_bits);
  }
  [[nodiscard]] constexpr unsigned mantissa_mask() const { return (1U << mantissa_bits) - 1U; }
  [[nodiscard]] constexpr unsigned exponent_mask() const { return (1U << exponent_bits) - 1U; }
  // The code of the largest finite magnitude.
  [[nodiscard]] constexpr unsigned largest() const {
    if (has_infinity) return (exponent_mask() << mantissa_bits) - 1U;
    const unsigned all = (exponent_mask() << mantissa_bits) | mantissa_mask();
    return fnuz ? all : all - 1U;
  }
};

WICK_HIDDEN inline constexpr Format kFloat16{5, 10, 15, true, false, false};
WICK_HIDDEN inline constexpr Format kE4M3FN{4, 3, 7, false, false, true};
WICK_HIDDEN inline constexpr Format kE5M2{5, 2, 15, true, false, false};
WICK_HIDDEN inline constexpr Format kE4M3FNUZ{4, 3, 8, false, true, false};
WICK_HIDDEN inline constexpr Format kE5M2FNUZ{5, 2, 16, false, true, false};

constexpr float decode(unsigned bits, Format format) noexcept {
  constexpr std::uint32_t kQuietNan = 0x7FC00000U;
  constexpr std::uint32_t kInfinity = 0x7F800000U;
  if (format.fnuz && bits == format.sign_mask()) return std::bit_cast<float>(kQuietNan);
  const std::uint32_t sign = (bits & format.sign_mask()) != 0 ? 0x80000000U : 0U;
  const unsigned magnitude = bits & (format.sign_mask() - 1U);
  const unsigned exponent = magnitude >> format.mantissa_bits;
  const unsigned mantissa = magnitude & format.mantissa_mask();
  if (magnitude > format.largest()) {
    if (format.has_infinity && mantissa == 0) return std::bit_cast<float>(sign | kInfinity);
    // Keeps the payload, shifted to where a float has it, as hardware conversions do.
    return std::bit_cast<float>(sign | kQuietNan | (mantissa << (23 - format.mantissa_bits)));
  }
  if (exponent != 0) {
    const auto field = static_cast<std::uint32_t>(static_cast<int>(exponent) - format.bias + 127);
    return std::bit_cast<float>(sign | (field << 23) | (mantissa << (23 - format.mantissa_bits)));
  }
  // Subnormal: so many units of the smallest one, a power of two. The product is exact.
  const auto field = static_cast<std::uint32_t>(1 - format.bias - format.mantissa_bits + 127);
  const float value = static_cast<float>(mantissa) * std::bit_cast<float>(field << 23);
  return sign != 0 ? -value : value;
}

constexpr unsigned encode(float value, Format format) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  const unsigned sign = (bits >> 31) != 0 ? format.sign_mask() : 0U;
  const unsigned nan = format.fnuz ? format.sign_mask()
                                   : sign | (format.exponent_mask() << format.mantissa_bits) |
                                         (format.has_infinity ? 1U << (format.mantissa_bits - 1)
                                                              : format.mantissa_mask());
  unsigned overflow = nan;
  if (format.has_infinity) overflow = sign | (format.exponent_mask() << format.mantissa_bits);
  if (format.saturates) overflow = sign | format.largest();
  if (magnitude > 0x7F800000U) return nan;
  if (magnitude == 0x7F800000U) return overflow;
  const unsigned zero = format.fnuz ? 0U : sign;
  // The unit in the last place at this magnitude; below the normal range it stays constant.
  // Subnormal floats lie below half of every format's smallest number.
  const int own_exponent = static_cast<int>(magnitude >> 23) - 127;
  const int smallest = 1 - format.bias;
  const int exponent = own_exponent > smallest ? own_exponent : smallest;
  const int shift = 23 - format.mantissa_bits + (exponent - own_exponent);
  if (shift > 25) return zero;
  const std::uint32_t significand = (magnitude & 0x7FFFFFU) | 0x800000U;
  unsigned units = significand >> shift;
  const std::uint32_t rest = significand & ((1U << shift) - 1U);
  const std::uint32_t half = 1U << (shift - 1);
  if (rest > half || (rest == half && (units & 1U) != 0)) ++units;  // to nearest, ties to even
  if (units == 0) return zero;
  // units lies in [2^m, 2^(m+1)] for normals; adding it to the exponent field carries rightly.
  const unsigned implicit = 1U << format.mantissa_bits;
  unsigned code = units;  // subnormal
  if (units >= implicit) {
    code = (static_cast<unsigned>(exponent + format.bias) << format.mantissa_bits) +
           (units - implicit);
  }
  return code > format.largest() ? overflow : sign | code;
}

}  // namespace wick::detail
