// SPDX-License-Identifier: MIT
// Matrix products by outer products; see matmul.h.
#pragma once

#include "kernels/cpu/simd/matmul_epilogue.h"
#include "kernels/cpu/simd/transpose.h"

namespace wick::cpu {

// The largest tile, in vectors of columns; with tile_rows() rows it fills three quarters of the
// registers and leaves the rest for a row of B and a broadcast.
template <typename Isa>
inline constexpr int kTileVectors = Isa::kRegisters == 32 ? 4 : 2;

template <typename Isa>
constexpr int tile_rows(int vectors) {
  constexpr int kAccumulators = Isa::kRegisters * 3 / 4;
  const int rows = kAccumulators / vectors;
  return rows > 8 ? 8 : rows;
}

// Rows of B worked on at once: a panel of them stays in the first-level cache.
inline constexpr std::int64_t kDepthBlock = 256;

template <typename T, typename Isa>
std::int64_t outer_workspace(std::int64_t depth) {
  const std::int64_t block = depth < kDepthBlock ? depth : kDepthBlock;
  return block * kTileVectors<Isa> * kLanes<T, Isa>;
}

// One block of k for one panel of columns.
template <typename T>
struct Panel {
  const T* b;  // row k at b + k * stride
  std::int64_t stride;
  std::int64_t n;      // first column
  std::int64_t width;  // columns
  std::int64_t k;      // first k
  std::int64_t depth;
  bool add;     // C holds the sum of earlier blocks, or is accumulated to
  bool finish;  // the last block
};

// The accumulators of a tile on their way to C. A function of its own, so that its branches do not
// take registers from the loop that computes them.
template <typename T, typename Isa>
[[gnu::noinline]] void store_tile(const MatmulTask<T>& task, const Panel<T>& panel, std::int64_t m,
                                  int rows, const T* tile, std::int64_t stride) {
  constexpr int kWide = kLanes<T, Isa>;
  for (int r = 0; r < rows; ++r) {
    for (std::int64_t n = 0; n < panel.width; n += kWide) {
      const std::int64_t left = panel.width - n;
      store_result<T, Isa>(task, m + r, panel.n + n, load<T, Isa>(tile + r * stride + n),
                           left < kWide ? static_cast<int>(left) : kWide, panel.add, panel.finish);
    }
  }
}

template <typename T, typename Isa, int Rows, int Vectors>
[[gnu::noinline]] void outer_tile(const MatmulTask<T>& task, const Panel<T>& panel,
                                  std::int64_t m) {
  using V = Vector<T, Isa>;
  constexpr int kWide = kLanes<T, Isa>;
  V sum[Rows][Vectors] = {};
  const T* a = task.a + m * task.a_row + panel.k * task.a_col;
  const T* b = panel.b;
  for (std::int64_t k = 0; k < panel.depth; ++k) {
    V row[Vectors];
    unroll<Vectors>([&](auto v) { row[v] = load<T, Isa>(b + v * kWide); });
    unroll<Rows>([&](auto r) {
      const V scale = broadcast<T, Isa>(a[r * task.a_row]);
      unroll<Vectors>([&](auto v) { sum[r][v] += scale * row[v]; });
    });
    a += task.a_col;
    b += panel.stride;
  }
  T tile[Rows * Vectors * kWide];
  unroll<Rows>([&](auto r) {
    unroll<Vectors>([&](auto v) { store<T, Isa>(tile + (r * Vectors + v) * kWide, sum[r][v]); });
  });
  store_tile<T, Isa>(task, panel, m, Rows, tile, Vectors * kWide);
}

// Turns a number of rows below the full tile into a template argument.
template <typename T, typename Isa, int Rows, int Vectors>
void outer_rest(const MatmulTask<T>& task, const Panel<T>& panel, std::int64_t m,
                std::int64_t rows) {
  if constexpr (Rows > 0) {
    if (rows == Rows) {
      outer_tile<T, Isa, Rows, Vectors>(task, panel, m);
    } else {
      outer_rest<T, Isa, Rows - 1, Vectors>(task, panel, m, rows);
    }
  }
}

template <typename T, typename Isa, int Vectors>
void outer_panel(const MatmulTask<T>& task, const Panel<T>& panel) {
  constexpr int kRows = tile_rows<Isa>(Vectors);
  std::int64_t m = task.first;
  for (; m + kRows <= task.last; m += kRows) {
    outer_tile<T, Isa, kRows, Vectors>(task, panel, m);
  }
  outer_rest<T, Isa, kRows - 1, Vectors>(task, panel, m, task.last - m);
}

template <typename T, typename Isa, int Vectors = kTileVectors<Isa>>
void outer_panel_of(int vectors, const MatmulTask<T>& task, const Panel<T>& panel) {
  if constexpr (Vectors > 0) {
    if (vectors == Vectors) {
      outer_panel<T, Isa, Vectors>(task, panel);
    } else {
      outer_panel_of<T, Isa, Vectors - 1>(vectors, task, panel);
    }
  }
}

// Copies a panel of B to the workspace, in rows of `stride` elements, the last ones zero.
template <typename T, typename Isa>
void pack_panel(const MatmulTask<T>& task, const Panel<T>& panel, std::int64_t stride) {
  T* const to = task.workspace;
  const T* const from = task.b + panel.k * task.b_row + panel.n * task.b_col;
  if (task.b_col == 1) {
    for (std::int64_t k = 0; k < panel.depth; ++k) {
      for (std::int64_t n = 0; n < panel.width; ++n) to[k * stride + n] = from[k * task.b_row + n];
    }
  } else {
    transpose<T, Isa>(from, task.b_col, panel.width, panel.depth, to, stride);
  }
  for (std::int64_t n = panel.width; n < stride; ++n) {
    for (std::int64_t k = 0; k < panel.depth; ++k) to[k * stride + n] = T{0};
  }
}

template <typename T, typename Isa>
void matmul_outer(const MatmulTask<T>& task) {
  constexpr std::int64_t kWide = kLanes<T, Isa>;
  constexpr std::int64_t kPanel = kTileVectors<Isa> * kWide;
  // Rows of B that lie far apart cost a page each; copying them pays once several tiles use them.
  const bool copy_pays = task.depth * task.cols > 16 * 1024 && task.last - task.first > 32;
  std::int64_t k = 0;
  do {  // once even where there is no k: C must be written
    const std::int64_t left = task.depth - k;
    const std::int64_t depth = left < kDepthBlock ? left : kDepthBlock;
    for (std::int64_t n = 0; n < task.cols; n += kPanel) {
      const std::int64_t width = task.cols - n < kPanel ? task.cols - n : kPanel;
      const auto vectors = static_cast<int>((width + kWide - 1) / kWide);
      Panel<T> panel{task.b + k * task.b_row + n * task.b_col,
                     task.b_row,
                     n,
                     width,
                     k,
                     depth,
                     task.accumulate || k > 0,
                     k + depth == task.depth};
      if (task.b_col != 1 || width % kWide != 0 || copy_pays) {
        pack_panel<T, Isa>(task, panel, vectors * kWide);
        panel.b = task.workspace;
        panel.stride = vectors * kWide;
      }
      outer_panel_of<T, Isa>(vectors, task, panel);
    }
    k += depth;
  } while (k < task.depth);
}

}  // namespace wick::cpu
