// SPDX-License-Identifier: MIT
// Matrix products by inner products; see matmul.h.
#pragma once

#include "kernels/cpu/simd/matmul_epilogue.h"

namespace wick::cpu {

// Of a weight that is packed: so few columns that it is left as it is, for inner products.
inline constexpr std::int64_t kInnerRows = 12;
inline constexpr std::int64_t kInnerDepth = 128;

template <typename T>
[[gnu::always_inline]] inline bool has_few_cols(const MatmulTask<T>& task) {
  return task.cols <= kInnerRows && task.depth >= kInnerDepth;
}

// A tile is at most kInnerTileRows rows of A by as many rows of B as make its sums fill whole
// vectors: the fewer of A, the more of B, for each sum waits for its last addition.
inline constexpr int kInnerTileRows = 4;

template <typename T, typename Isa>
constexpr int inner_tile_cols(int rows) {
  constexpr int kSums = Isa::kRegisters == 32 ? kLanes<T, Isa> : 8;
  return rows == 3 ? kSums / 4 : kSums / rows;
}

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
    if constexpr (Cols % kWide == 0) {
      for (int c = 0; c < Cols; c += kWide) {
        store_result<T, Isa>(task, m + r, n + c, load<T, Isa>(row + c), kWide, task.accumulate,
                             true);
      }
    } else if constexpr (Cols == 1) {
      T lanes[kWide] = {row[0]};
      store_result<T, Isa>(task, m + r, n, load<T, Isa>(lanes), Cols, task.accumulate, true);
    } else {
      using Short = NarrowIsa<Isa, Cols* static_cast<int>(sizeof(T))>;
      store_result<T, Short>(task, m + r, n, load<T, Short>(row), Cols, task.accumulate, true);
    }
  });
}

// Columns [first, last) of some rows, tile after tile.
template <typename T, typename Isa, int Rows>
void inner_columns(const MatmulTask<T>& task, std::int64_t m, std::int64_t first,
                   std::int64_t last) {
  constexpr int kCols = inner_tile_cols<T, Isa>(Rows);
  std::int64_t n = first;
  for (; n + kCols <= last; n += kCols) inner_tile<T, Isa, Rows, kCols>(task, m, n);
  if constexpr (kCols > 4) {
    for (; n + 4 <= last; n += 4) inner_tile<T, Isa, Rows, 4>(task, m, n);
  }
  if constexpr (kCols > 2) {
    for (; n + 2 <= last; n += 2) inner_tile<T, Isa, Rows, 2>(task, m, n);
  }
  if (n < last) inner_tile<T, Isa, Rows, 1>(task, m, n);
}

template <typename T, typename Isa>
void matmul_inner(const MatmulTask<T>& task) {
  const auto columns = [&task](std::int64_t m, std::int64_t first, std::int64_t last) {
    switch (task.rows - m) {
      case 1: return inner_columns<T, Isa, 1>(task, m, first, last);
      case 2: return inner_columns<T, Isa, 2>(task, m, first, last);
      case 3: return inner_columns<T, Isa, 3>(task, m, first, last);
      default: return inner_columns<T, Isa, 4>(task, m, first, last);
    }
  };
  // A few rows of the one matrix lie in the nearest cache while those of the other pass; of the
  // smaller one all do.
  constexpr std::int64_t kBlock = inner_tile_cols<T, Isa>(1);
  if (task.rows > task.cols) {
    for (std::int64_t m = 0; m < task.rows; m += kInnerTileRows) columns(m, 0, task.cols);
  } else {
    for (std::int64_t n = 0; n < task.cols; n += kBlock) {
      const std::int64_t last = n + kBlock < task.cols ? n + kBlock : task.cols;
      for (std::int64_t m = 0; m < task.rows; m += kInnerTileRows) columns(m, n, last);
    }
  }
}

}  // namespace wick::cpu
