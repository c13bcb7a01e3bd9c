// SPDX-License-Identifier: MIT
// Conversions between float32 and bfloat16: and what goes with them: which kernels there are.
#pragma once

#include <cstdint>

#include "kernels/cpu/amx/pairs_table.h"

namespace wick::cpu {

/// All null for float64. A bfloat16 is its bits here.
template <typename T>
struct ConvertTable {
  /// to[i] = from[i], exactly.
  void (*widen)(const std::uint16_t* from, T* to, std::int64_t count);
  /// to[i] = from[i] rounded to the nearest, ties to even; every NaN becomes 0x7FC0, as
  /// from_float() has it.
  void (*round)(const T* from, std::uint16_t* to, std::int64_t count);
  /// Rows [m, m + rows) and columns [n, n + cols) of the task's C from their sums, whose rows are
  /// `sums_row` apart: adds C, bias and so on, and rounds. Sums are read in whole vectors: 60 bytes
  /// beyond the last one must be readable.
  void (*finish_rows)(const PairsTask& task, const T* sums, std::int64_t sums_row, std::int64_t m,
                      std::int64_t rows, std::int64_t n, std::int64_t cols);
};
template <typename T, typename Isa>
[[nodiscard]] ConvertTable<T> convert_table();

}  // namespace wick::cpu
