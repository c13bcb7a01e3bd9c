// SPDX-License-Identifier: MIT
// Kernels over rows, written as plain loops that the compiler vectorises for the instruction set at
// hand.
#pragma once

#include "kernels/cpu/simd/rows_table.h"

namespace wick::cpu {

/// Row by row, so that memory is read in order; the order of each column's additions is that of the
/// rows.
template <typename T, typename Isa>
void column_sums(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride,
                 T* __restrict out, bool accumulate) {
  if (!accumulate) {
    for (std::int64_t c = 0; c < cols; ++c) out[c] = T{0};
  }
  std::int64_t r = 0;
  // Four rows at a time save three quarters of the traffic on `out`.
  for (; r + 4 <= rows; r += 4) {
    const T* const row = x + r * stride;
    for (std::int64_t c = 0; c < cols; ++c) {
      out[c] += (row[c] + row[stride + c]) + (row[2 * stride + c] + row[3 * stride + c]);
    }
  }
  for (; r < rows; ++r) {
    const T* const row = x + r * stride;
    for (std::int64_t c = 0; c < cols; ++c) out[c] += row[c];
  }
}

template <typename T, typename Isa>
void affine_u8(const std::uint8_t* __restrict in, T scale, T shift, T* __restrict out,
               std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = static_cast<T>(in[i]) * scale + shift;
}

template <typename T, typename Isa>
void affine(const T* in, T scale, T shift, T* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = in[i] * scale + shift;
}

template <typename T, typename Isa>
void add_row(const T* __restrict row, T* __restrict sums, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) sums[i] += row[i];
}

}  // namespace wick::cpu
