// SPDX-License-Identifier: MIT
// Parts of reductions: what the kernels get, and which there are.
#pragma once

#include <cstdint>

namespace wick::cpu {

/// The elements of which a sum is made before sums are added by pairs.
inline constexpr std::int64_t kSumRun = 512;
inline constexpr std::int64_t kSumRows = 16;

template <typename T>
struct ReduceTable {
  /// The sum of up to kSumRun contiguous elements, in an order that is the same for all instruction
  /// sets.
  double (*sum_run)(const T* x, std::int64_t count);
  /// sums[c] = the sum of column c of up to kSumRows rows, one after the other.
  void (*sum_rows)(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride,
                   double* sums);
  /// The smallest or the largest (`Max`) of at least one contiguous element; NaN where there is
  /// one.
  T (*min_run)(const T* x, std::int64_t count);
  T (*max_run)(const T* x, std::int64_t count);
  /// values[c] and indices[c] (which may be null): the extreme of column c of at least one row, and
  /// its row, counted from `first_row` on.
  void (*min_rows)(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride,
                   std::int64_t first_row, T* values, std::int64_t* indices);
  void (*max_rows)(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride,
                   std::int64_t first_row, T* values, std::int64_t* indices);
};
template <typename T, typename Isa>
[[nodiscard]] ReduceTable<T> reduce_table();

}  // namespace wick::cpu
