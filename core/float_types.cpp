// SPDX-License-Identifier: MIT
#include "core/float_types.h"

#include <bit>
#include <cmath>
#include <limits>

namespace wick {
namespace {

// A small binary floating-point format: 1 sign bit, `exponent_bits`, `mantissa_bits`.
struct Format {
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

constexpr Format kFloat16{5, 10, 15, true, false, false};
constexpr Format kE4M3FN{4, 3, 7, false, false, true};
constexpr Format kE5M2{5, 2, 15, true, false, false};
constexpr Format kE4M3FNUZ{4, 3, 8, false, true, false};
constexpr Format kE5M2FNUZ{5, 2, 16, false, true, false};

float decode(unsigned bits, const Format& format) noexcept {
  if (format.fnuz && bits == format.sign_mask()) return std::numeric_limits<float>::quiet_NaN();
  const bool negative = (bits & format.sign_mask()) != 0;
  const unsigned magnitude = bits & (format.sign_mask() - 1U);
  const unsigned exponent = magnitude >> format.mantissa_bits;
  const unsigned mantissa = magnitude & format.mantissa_mask();
  float value = 0.0F;
  if (magnitude > format.largest()) {
    const bool infinite = format.has_infinity && mantissa == 0;
    if (!infinite) {
      // Keeps the payload, shifted to where a float has it, as hardware conversions do.
      const std::uint32_t payload = static_cast<std::uint32_t>(mantissa)
                                    << (23 - format.mantissa_bits);
      return std::bit_cast<float>((negative ? 0x80000000U : 0U) | 0x7FC00000U | payload);
    }
    value = std::numeric_limits<float>::infinity();
  } else if (exponent == 0) {
    value = std::ldexp(static_cast<float>(mantissa), 1 - format.bias - format.mantissa_bits);
  } else {
    value = std::ldexp(static_cast<float>(mantissa | (1U << format.mantissa_bits)),
                       static_cast<int>(exponent) - format.bias - format.mantissa_bits);
  }
  return negative ? -value : value;
}

unsigned encode(float value, const Format& format) noexcept {
  const bool negative = std::signbit(value);
  const unsigned sign = negative ? format.sign_mask() : 0U;
  const unsigned nan = format.fnuz ? format.sign_mask()
                                   : sign | (format.exponent_mask() << format.mantissa_bits) |
                                         (format.has_infinity ? 1U << (format.mantissa_bits - 1)
                                                              : format.mantissa_mask());
  unsigned overflow = nan;
  if (format.has_infinity) overflow = sign | (format.exponent_mask() << format.mantissa_bits);
  if (format.saturates) overflow = sign | format.largest();
  if (std::isnan(value)) return nan;
  if (std::isinf(value)) return overflow;
  const float magnitude = std::fabs(value);
  if (magnitude == 0.0F) return format.fnuz ? 0U : sign;
  // The unit in the last place at this magnitude; below the normal range it stays constant.
  const int exponent = std::max(std::ilogb(magnitude), 1 - format.bias);
  const int scale = format.mantissa_bits - exponent;
  // Exact: both steps only change the exponent, and a double holds the result.
  const double scaled = std::ldexp(static_cast<double>(magnitude), scale);
  const double rounded = std::nearbyint(scaled);  // to nearest, ties to even
  if (rounded == 0.0) return format.fnuz ? 0U : sign;
  // rounded lies in [2^m, 2^(m+1)] for normals; adding it to the exponent field carries rightly.
  const auto units = static_cast<unsigned>(rounded);
  const unsigned implicit = 1U << format.mantissa_bits;
  unsigned code = 0;
  if (units < implicit) {
    code = units;  // subnormal
  } else {
    code = (static_cast<unsigned>(exponent + format.bias) << format.mantissa_bits) +
           (units - implicit);
  }
  if (code > format.largest()) return overflow;
  return sign | code;
}

}  // namespace

float to_float(float16 value) noexcept {
  return decode(value.bits, kFloat16);
}
float to_float(bfloat16 value) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16);
}
float to_float(float8_e4m3fn value) noexcept {
  return decode(value.bits, kE4M3FN);
}
float to_float(float8_e5m2 value) noexcept {
  return decode(value.bits, kE5M2);
}
float to_float(float8_e4m3fnuz value) noexcept {
  return decode(value.bits, kE4M3FNUZ);
}
float to_float(float8_e5m2fnuz value) noexcept {
  return decode(value.bits, kE5M2FNUZ);
}
float to_float(float8_e8m0fnu value) noexcept {
  if (value.bits == 0xFF) return std::numeric_limits<float>::quiet_NaN();
  return std::ldexp(1.0F, static_cast<int>(value.bits) - 127);
}

template <>
float16 from_float(float value) noexcept {
  return {static_cast<std::uint16_t>(encode(value, kFloat16))};
}
template <>
bfloat16 from_float(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return {0x7FC0};
  const std::uint32_t ties_to_even = 0x7FFFU + ((bits >> 16) & 1U);
  return {static_cast<std::uint16_t>((bits + ties_to_even) >> 16)};
}
template <>
float8_e4m3fn from_float(float value) noexcept {
  return {static_cast<std::uint8_t>(encode(value, kE4M3FN))};
}
template <>
float8_e5m2 from_float(float value) noexcept {
  return {static_cast<std::uint8_t>(encode(value, kE5M2))};
}
template <>
float8_e4m3fnuz from_float(float value) noexcept {
  return {static_cast<std::uint8_t>(encode(value, kE4M3FNUZ))};
}
template <>
float8_e5m2fnuz from_float(float value) noexcept {
  return {static_cast<std::uint8_t>(encode(value, kE5M2FNUZ))};
}
template <>
float8_e8m0fnu from_float(float value) noexcept {
  if (std::isnan(value) || std::isinf(value)) return {0xFF};
  const float magnitude = std::fabs(value);
  const auto bits = std::bit_cast<std::uint32_t>(magnitude);
  std::uint32_t exponent = bits >> 23;
  // Nearest power of two; a tie goes to the even exponent field, and the smallest code is 2^-127.
  const std::uint32_t fraction = bits & 0x7FFFFFU;
  const bool above_half = exponent == 0 ? fraction > 0x400000U : fraction >= 0x400000U;
  if (exponent == 0) {
    exponent = above_half ? 1U : 0U;
  } else if (above_half) {
    ++exponent;
  }
  return {static_cast<std::uint8_t>(exponent > 0xFEU ? 0xFFU : exponent)};
}

}  // namespace wick
