// SPDX-License-Identifier: MIT
// Matrix products by inner products; see matmul.h.
#pragma once

#include "kernels/cpu/simd/matmul_epilogue.h"

namespace wick::cpu {

// Where inner products win, measured: too few rows to fill the lanes when turned round, too few
// columns to fill a vector, or a small C of long sums.
inline constexpr std::int64_t kInnerRows = 12;
inline constexpr std::int64_t kInnerSide = 48;
inline constexpr std::int64_t kInnerDepth = 128;

template <typename T>
[[gnu::always_inline]] inline bool has_few_cols(const MatmulTask<T>& task) {
  return task.cols <= kInnerRows && task.depth >= kInnerDepth;
}

// A tile is kInnerTileRows rows of A by as many rows of B as make its sums fill whole vectors.
inline constexpr int kInnerTileRows = 4;

template <typename T, typename Isa>
inline constexpr int kInnerTileCols = Isa::kRegisters == 32 ? kLanes<T, Isa> / kInnerTileRows : 2;

template <typename T, typename Isa, int Rows, int Cols>
[[gnu::noinline]] void inner_tile(const MatmulTask<T>& task, std::int64_t m, std::int64_t n) {
  using V = Vector<T, Isa>;
  constexpr int kWide = kLanes<T, Isa>;
  // Sums of absent rows and columns stay zero. Rounded up to whole vectors of results.
  constexpr int kSums = (Rows * Cols + kWide - 1) / kWide * kWide;
  V sum[kSums] = {};
  const T* const a = task.a + m * task.a_row;
  const T* const b = task.b + n * task.b_col;
  std::int64_t k = 0;
  for (; k + kWide <= task.depth; k += kWide) {
    V column[Cols];
    unroll<Cols>([&](auto c) { column[c] = load<T, Isa>(b + c * task.b_col + k); });
    unroll<Rows>([&](auto r) {
      const V row = load<T, Isa>(a + r * task.a_row + k);
      unroll<Cols>([&](auto c) { sum[r * Cols + c] += row * column[c]; });
    });
  }
  // Unrolled, too: sums with an index that is not a constant would lie in memory.
  if (k < task.depth) {
    const int rest = static_cast<int>(task.depth - k);
    V column[Cols];
    unroll<Cols>([&](auto c) { column[c] = load_first<T, Isa>(b + c * task.b_col + k, rest); });
    unroll<Rows>([&](auto r) {
      const V row = load_first<T, Isa>(a + r * task.a_row + k, rest);
      unroll<Cols>([&](auto c) { sum[r * Cols + c] += row * column[c]; });
    });
  }
  T results[kSums];
  unroll<kSums / kWide>([&](auto group) {
    store<T, Isa>(results + group * kWide, add_across<T, Isa>(sum + group * kWide));
  });
  unroll<Rows>([&](auto r) {
    const T* const row = results + r * Cols;
    if constexpr (Cols == 2 || Cols == 4) {
      using Short = NarrowIsa<Isa, Cols* static_cast<int>(sizeof(T))>;
      store_result<T, Short>(task, m + r, n, load<T, Short>(row), Cols, task.accumulate, true);
    } else {
      T lanes[kWide] = {};
      for (int c = 0; c < Cols; ++c) lanes[c] = row[c];
      store_result<T, Isa>(task, m + r, n, load<T, Isa>(lanes), Cols, task.accumulate, true);
    }
  });
}

// Turns numbers of rows and columns below the full tile into template arguments.
template <typename T, typename Isa, int Rows, int Cols>
void inner_edge(const MatmulTask<T>& task, std::int64_t m, std::int64_t n, std::int64_t rows,
                std::int64_t cols) {
  if constexpr (Rows > 0 && Cols > 0) {
    if (rows < Rows) {
      inner_edge<T, Isa, Rows - 1, Cols>(task, m, n, rows, cols);
    } else if (cols < Cols) {
      inner_edge<T, Isa, Rows, Cols - 1>(task, m, n, rows, cols);
    } else {
      inner_tile<T, Isa, Rows, Cols>(task, m, n);
    }
  }
}

template <typename T, typename Isa>
void matmul_inner(const MatmulTask<T>& task) {
  constexpr int kRows = kInnerTileRows;
  constexpr int kCols = kInnerTileCols<T, Isa>;
  const auto tile = [&task](std::int64_t m, std::int64_t n) {
    if (m + kRows <= task.rows && n + kCols <= task.cols) {
      inner_tile<T, Isa, kRows, kCols>(task, m, n);
    } else {
      inner_edge<T, Isa, kRows, kCols>(task, m, n, task.rows - m, task.cols - n);
    }
  };
  // A few rows of the one matrix lie in the nearest cache while those of the other pass; of the
  // smaller one all do.
  if (task.rows > task.cols) {
    for (std::int64_t m = 0; m < task.rows; m += kRows) {
      for (std::int64_t n = 0; n < task.cols; n += kCols) tile(m, n);
    }
  } else {
    for (std::int64_t n = 0; n < task.cols; n += kCols) {
      for (std::int64_t m = 0; m < task.rows; m += kRows) tile(m, n);
    }
  }
}

}  // namespace wick::cpu
