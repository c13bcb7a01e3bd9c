// SPDX-License-Identifier: MIT
// Storage types for the floating-point formats that C++20 has no type for. They only carry bits
// and convert to and from float; arithmetic happens in float.
//
// Formats: IEEE 754 binary16; bfloat16 (the upper half of a binary32); the OCP "OFP8" formats
// E4M3FN and E5M2 and E8M0 of the OCP Microscaling specification; the FNUZ variants of Noune et
// al. 2022 (arXiv:2206.02915). Rounding is to nearest, ties to even, as in PyTorch.
#pragma once

#include <cstdint>

namespace wick {

struct float16 {
  std::uint16_t bits = 0;
};
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

[[nodiscard]] float to_float(float16 value) noexcept;
[[nodiscard]] float to_float(bfloat16 value) noexcept;
[[nodiscard]] float to_float(float8_e4m3fn value) noexcept;
[[nodiscard]] float to_float(float8_e5m2 value) noexcept;
[[nodiscard]] float to_float(float8_e4m3fnuz value) noexcept;
[[nodiscard]] float to_float(float8_e5m2fnuz value) noexcept;
[[nodiscard]] float to_float(float8_e8m0fnu value) noexcept;

/// Rounds to the nearest value of T, ties to even. What is too large becomes infinity, or NaN where
/// T has no infinity; but see float8_e4m3fn.
template <typename T>
[[nodiscard]] T from_float(float value) noexcept;

template <>
float16 from_float(float value) noexcept;
template <>
bfloat16 from_float(float value) noexcept;
template <>
float8_e4m3fn from_float(float value) noexcept;
template <>
float8_e5m2 from_float(float value) noexcept;
template <>
float8_e4m3fnuz from_float(float value) noexcept;
template <>
float8_e5m2fnuz from_float(float value) noexcept;
template <>
float8_e8m0fnu from_float(float value) noexcept;

}  // namespace wick
