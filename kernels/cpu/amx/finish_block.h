// SPDX-License-Identifier: MIT
// What happens to a finished block of sums, 32 by 32, on its way to C.
#pragma once

#include "kernels/cpu/amx/pack_pairs.h"
#include "kernels/cpu/simd/finish_rows.h"

namespace wick::cpu {

// A block changes its rows for its columns.
template <typename Isa>
void transpose_block(const float* from, float* to) {
  constexpr int kWide = kLanes<float, Isa>;
  for (std::int64_t r = 0; r < kStripRows; r += kWide) {
    for (std::int64_t c = 0; c < kStripRows; c += kWide) {
      Vector<float, Isa> tile[kWide];
      unroll<kWide>([&](auto i) { tile[i] = load<float, Isa>(from + (r + i) * kStripRows + c); });
      transpose_tile<float, Isa>(tile);
      unroll<kWide>([&](auto i) { store<float, Isa>(to + (c + i) * kStripRows + r, tile[i]); });
    }
  }
}

/// The block of left rows [i, i + rows) and right rows [j, j + cols), at most 32 of each. What lies
/// in `sums` beyond them may be anything.
template <typename Isa>
void finish_block(const PairsTask& task, const float* sums, std::int64_t i, std::int64_t rows,
                  std::int64_t j, std::int64_t cols) {
  alignas(64) float turned[kStripRows * kStripRows];
  if (task.transpose_c) {
    transpose_block<Isa>(sums, turned);
    sums = turned;
  }
  const std::int64_t m = task.transpose_c ? j : i;
  const std::int64_t n = task.transpose_c ? i : j;
  const std::int64_t c_rows = task.transpose_c ? cols : rows;
  const std::int64_t c_cols = task.transpose_c ? rows : cols;
  finish_rows<Isa>(task, sums, kStripRows, m, c_rows, n, c_cols);
}

}  // namespace wick::cpu
