// SPDX-License-Identifier: MIT
// Storage types for the floating-point formats that C++20 has no type for. They only carry bits
// and convert to and from float; arithmetic happens in float.
//
// Formats: IEEE 754 binary16; bfloat16 (the upper half of a binary32); the OCP "OFP8" formats
// E4M3FN and E5M2 and E8M0 of the OCP Microscaling specification; the FNUZ variants of Noune et
// al. 2022 (arXiv:2206.02915). Rounding is to nearest, ties to even, as in PyTorch.
#pragma once

#include <bit>
#include <cstdint>

#include "wick/core/float_format.h"

namespace wick {

/// IEEE 754's binary16: 5 exponent bits, 10 mantissa bits.
struct float16 {
  std::uint16_t bits = 0;
};
/// The upper half of a float: 8 exponent bits, 7 mantissa bits.
struct bfloat16 {
  std::uint16_t bits = 0;
};
/// 4 exponent bits, 3 mantissa bits, no infinity; overflow and infinity become the largest finite
/// number, 448, as in PyTorch 2.15 (older versions: NaN).
struct float8_e4m3fn {
  std::uint8_t bits = 0;
};
/// 5 exponent bits, 2 mantissa bits, with infinities.
struct float8_e5m2 {
  std::uint8_t bits = 0;
};
/// Like e4m3fn with exponent bias 8, no negative zero, one NaN (0x80).
struct float8_e4m3fnuz {
  std::uint8_t bits = 0;
};
/// Like e5m2 with exponent bias 16, no negative zero, no infinity, one NaN (0x80).
struct float8_e5m2fnuz {
  std::uint8_t bits = 0;
};
/// A power of two: 2^(bits - 127); 0xFF is NaN.
struct float8_e8m0fnu {
  std::uint8_t bits = 0;
};

[[nodiscard]] constexpr float to_float(float16 value) noexcept {
  return detail::decode(value.bits, detail::kFloat16);
}
[[nodiscard]] constexpr float to_float(bfloat16 value) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16);
}
[[nodiscard]] constexpr float to_float(float8_e4m3fn value) noexcept {
  return detail::decode(value.bits, detail::kE4M3FN);
}
[[nodiscard]] constexpr float to_float(float8_e5m2 value) noexcept {
  return detail::decode(value.bits, detail::kE5M2);
}
[[nodiscard]] constexpr float to_float(float8_e4m3fnuz value) noexcept {
  return detail::decode(value.bits, detail::kE4M3FNUZ);
}
[[nodiscard]] constexpr float to_float(float8_e5m2fnuz value) noexcept {
  return detail::decode(value.bits, detail::kE5M2FNUZ);
}
[[nodiscard]] constexpr float to_float(float8_e8m0fnu value) noexcept {
  if (value.bits == 0xFF) return std::bit_cast<float>(std::uint32_t{0x7FC00000});
  if (value.bits == 0) return std::bit_cast<float>(std::uint32_t{0x00400000});  // 2^-127
  return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 23);
}

/// Rounds to the nearest value of T, ties to even. What is too large becomes infinity, or NaN where
/// T has no infinity; but see float8_e4m3fn.
template <typename T>
[[nodiscard]] constexpr T from_float(float value) noexcept;

template <>
constexpr float16 from_float(float value) noexcept {
  return {static_cast<std::uint16_t>(detail::encode(value, detail::kFloat16))};
}
template <>
constexpr bfloat16 from_float(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return {0x7FC0};  // NaN
  const std::uint32_t ties_to_even = 0x7FFFU + ((bits >> 16) & 1U);
  return {static_cast<std::uint16_t>((bits + ties_to_even) >> 16)};
}
template <>
constexpr float8_e4m3fn from_float(float value) noexcept {
  return {static_cast<std::uint8_t>(detail::encode(value, detail::kE4M3FN))};
}
template <>
constexpr float8_e5m2 from_float(float value) noexcept {
  return {static_cast<std::uint8_t>(detail::encode(value, detail::kE5M2))};
}
template <>
constexpr float8_e4m3fnuz from_float(float value) noexcept {
  return {static_cast<std::uint8_t>(detail::encode(value, detail::kE4M3FNUZ))};
}
template <>
constexpr float8_e5m2fnuz from_float(float value) noexcept {
  return {static_cast<std::uint8_t>(detail::encode(value, detail::kE5M2FNUZ))};
}
template <>
constexpr float8_e8m0fnu from_float(float value) noexcept {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value) & 0x7FFFFFFFU;
  if (bits >= 0x7F800000U) return {0xFF};  // infinity and NaN
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
