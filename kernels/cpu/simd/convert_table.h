// SPDX-License-Identifier: MIT
// Conversions between float32 and bfloat16: which kernels there are.
#pragma once

#include <cstdint>

namespace wick::cpu {

/// All null for float64. A bfloat16 is its bits here.
template <typename T>
struct ConvertTable {
  /// to[i] = from[i], exactly.
  void (*widen)(const std::uint16_t* from, T* to, std::int64_t count);
  /// to[i] = from[i] rounded to the nearest, ties to even; every NaN becomes 0x7FC0, as
  /// from_float() has it.
  void (*round)(const T* from, std::uint16_t* to, std::int64_t count);
};
template <typename T, typename Isa>
[[nodiscard]] ConvertTable<T> convert_table();

}  // namespace wick::cpu
