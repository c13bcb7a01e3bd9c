// SPDX-License-Identifier: MIT
// Matrix products by outer products: blocks for the caches, copies where they pay; see matmul.h.
#pragma once

#include "kernels/cpu/simd/matmul_strips.h"

namespace wick::cpu {

// Values of k worked on at once. Between blocks, C holds the partial sums.
inline constexpr std::int64_t kDepthBlock = 384;
// Rows of B that are read where they lie take a page each; the pages of a block must stay known.
inline constexpr std::int64_t kDirectDepthBlock = 128;
// In the swapped method partial sums are dear, for they are transposed. And of a few columns even a
// long block stays in the second-level cache.
inline constexpr std::int64_t kLongDepthBlock = 1024;
inline constexpr std::int64_t kFewCols = 64;

template <typename T>
std::int64_t depth_block(const MatmulTask<T>& task) {
  const std::int64_t blocks = (task.depth + task.depth_block - 1) / task.depth_block;
  return blocks == 0 ? 0 : (task.depth + blocks - 1) / blocks;
}

// Rows of B that lie far apart cost a page each; copying them pays once several tiles use them.
template <typename T>
bool copies_b(const MatmulTask<T>& task) {
  if (is_packed(task.method)) return false;
  return task.b_col != 1 || (task.depth * task.cols > 16 * 1024 && task.rows > 32);
}

// Copying A, in strips, pays where there are many columns to use them (more so where its rows must
// be turned for it), and sums that are longer than what it takes to begin a tile. The wide panels
// of a packed B get on without.
template <typename T>
bool copies_a(const MatmulTask<T>& task) {
  return !is_packed(task.method) && task.cols >= (task.a_row == 1 ? 128 : 256) && task.depth >= 64;
}

template <typename T>
std::int64_t row_block(const MatmulTask<T>& task) {
  constexpr std::int64_t kTiles = 84;  // a multiple of the rows of most tiles
  const std::int64_t depth = depth_block(task);
  const std::int64_t tiles = depth == 0 ? 0 : task.block_elements / depth / kTiles;
  const std::int64_t most = tiles == 0 ? kTiles : tiles * kTiles;
  return task.rows < most ? task.rows : most;
}

// Vectors in each panel: of the widest tile; or narrow ones for tall tiles, where A lies in strips,
// since they read least, and in the swapped method, where less is padding when they are transposed.
template <typename T, typename Isa>
int panel_vectors(const MatmulTask<T>& task) {
  return task.transpose_c || copies_a(task) ? kStripVectors : kTileVectors<Isa>;
}

template <typename T, typename Isa>
std::int64_t outer_workspace(const MatmulTask<T>& task) {
  const std::int64_t depth = depth_block(task);
  const std::int64_t panel = depth * kTileVectors<Isa> * kLanes<T, Isa>;
  return copies_a(task) ? panel + strips_size<T, Isa>(row_block(task), depth) : panel;
}

// Copies `count` runs of `length` elements.
template <typename T, typename Isa>
void copy_runs(const T* from, std::int64_t from_stride, std::int64_t count, std::int64_t length,
               T* to, std::int64_t to_stride) {
  constexpr std::int64_t kWide = kLanes<T, Isa>;
  for (std::int64_t i = 0; i < count; ++i, from += from_stride, to += to_stride) {
    std::int64_t j = 0;
    for (; j + kWide <= length; j += kWide) store<T, Isa>(to + j, load<T, Isa>(from + j));
    for (; j < length; ++j) to[j] = from[j];
  }
}

// Copies a panel of B to `to`, in rows of `stride` elements, the last ones zero.
template <typename T, typename Isa>
void pack_panel(const MatmulTask<T>& task, const Panel<T>& panel, const T* from, T* to,
                std::int64_t stride) {
  if (task.b_col != 1) {
    transpose_padded<T, Isa>(from, task.b_col, panel.width, panel.depth, to, stride);
    return;
  }
  copy_runs<T, Isa>(from, task.b_row, panel.depth, panel.width, to, stride);
  for (std::int64_t n = panel.width; n < stride; ++n) {
    for (std::int64_t k = 0; k < panel.depth; ++k) to[k * stride + n] = T{0};
  }
}

// Calls visit(first vector, vectors) for each panel: as equal in width as can be.
template <typename T, typename Isa, typename Visit>
[[gnu::always_inline]] inline void for_panels(const MatmulTask<T>& task, const Visit& visit) {
  constexpr std::int64_t kWide = kLanes<T, Isa>;
  const std::int64_t all = (task.cols + kWide - 1) / kWide;
  const std::int64_t most = panel_vectors<T, Isa>(task);
  const std::int64_t panels = (all + most - 1) / most;
  for (std::int64_t i = 0, done = 0; i < panels; ++i) {
    const std::int64_t vectors = (all - done + panels - i - 1) / (panels - i);
    visit(done, vectors);
    done += vectors;
  }
}

// The panels of one block of k and of rows.
template <typename T, typename Isa>
void outer_block(const MatmulTask<T>& task, Panel<T> panel, std::int64_t k, std::int64_t rows) {
  constexpr std::int64_t kWide = kLanes<T, Isa>;
  const bool copy = copies_b(task);
  const bool packed = task.method == MatmulMethod::packed;
  const T* const b = task.b + (packed ? 0 : k * task.b_row);
  for_panels<T, Isa>(task, [&](std::int64_t first, std::int64_t vectors) {
    panel.n = first * kWide;
    const std::int64_t left = task.cols - panel.n;
    panel.width = left < vectors * kWide ? left : vectors * kWide;
    if (packed) {
      panel.stride = vectors * kWide;
      panel.b = b + panel.n * task.depth + k * panel.stride;
    } else {
      panel.b = b + panel.n * task.b_col;
      panel.stride = task.b_row;
      panel.next_b = panel.b + panel.width * task.b_col;
      panel.next_stride = task.b_col == 1 ? task.b_row : task.b_col;
      panel.next_is_transposed = task.b_col != 1;
      panel.next_width =
          left - panel.width < vectors * kWide ? left - panel.width : vectors * kWide;
      if (copy || panel.width % kWide != 0) {
        pack_panel<T, Isa>(task, panel, panel.b, task.workspace, vectors * kWide);
        panel.b = task.workspace;
        panel.stride = vectors * kWide;
      }
    }
    outer_panel<T, Isa>(static_cast<int>(vectors), task, panel, rows);
  });
}

template <typename T, typename Isa>
void matmul_outer(const MatmulTask<T>& task) {
  constexpr std::int64_t kWide = kLanes<T, Isa>;
  const std::int64_t block = depth_block(task);
  const bool copy_a = copies_a(task);
  const std::int64_t most_rows = row_block(task);
  const bool epilogue = task.bias != nullptr || task.relu || task.relu_mask != nullptr;
  T* const a_block = task.workspace + block * kTileVectors<Isa> * kWide;
  Panel<T> panel{};
  std::int64_t k = 0;
  do {  // once even where there is no k: C must be written
    panel.depth = task.depth - k < block ? task.depth - k : block;
    panel.add = task.accumulate || k > 0;
    panel.finish = k + panel.depth == task.depth;
    panel.direct = !task.transpose_c && !(panel.finish && epilogue);
    for (std::int64_t m = 0; m < task.rows; m += most_rows) {
      const std::int64_t rows = task.rows - m < most_rows ? task.rows - m : most_rows;
      panel.first_row = m;
      panel.a = task.a + m * task.a_row + k * task.a_col;
      panel.a_row = task.a_row;
      panel.a_col = task.a_col;
      panel.layout = task.a_row == 1 ? LayoutOfA::columns : LayoutOfA::rows;
      if (copy_a) {
        pack_strips<T, Isa>(panel, rows, a_block);
        panel.a = a_block;
        panel.layout = LayoutOfA::strips;
      }
      outer_block<T, Isa>(task, panel, k, rows);
    }
    k += panel.depth;
  } while (k < task.depth);
}

}  // namespace wick::cpu
