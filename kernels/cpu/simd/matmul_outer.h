// SPDX-License-Identifier: MIT
// Matrix products by outer products: blocks for the caches, copies where they pay; see matmul.h.
//
// A block of B, some values of k by many columns, stays in the second-level cache while the rows of
// A pass: tile after tile of rows, and for each of them panel after panel of the block.
#pragma once

#include "kernels/cpu/simd/matmul_tile.h"

namespace wick::cpu {

// Values of k worked on at once; between blocks, C holds the partial sums.
inline constexpr std::int64_t kDepthBlock = 256;
// Of a packed B with many columns, lest a block outgrow the cache.
inline constexpr std::int64_t kShortDepthBlock = 128;
inline constexpr std::int64_t kManyCols = 1024;
// Of a transposed product, partial sums are dear, for they are transposed; and of a few columns
// even a long block stays in the cache.
inline constexpr std::int64_t kLongDepthBlock = 1024;
inline constexpr std::int64_t kFewCols = 64;

template <typename T>
[[gnu::always_inline]] inline std::int64_t depth_block(const MatmulTask<T>& task) {
  const std::int64_t blocks = (task.depth + task.depth_block - 1) / task.depth_block;
  return blocks == 0 ? 0 : (task.depth + blocks - 1) / blocks;
}

// Columns of the widest panel.
template <typename T, typename Isa>
inline constexpr std::int64_t kPanelCols = kMostVectors* kLanes<T, Isa>;

// From so many rows on, to copy B costs little, and the panels of a copy are read faster.
inline constexpr std::int64_t kCopyRows = 200;

template <typename T>
[[gnu::always_inline]] inline bool copies_b(const MatmulTask<T>& task) {
  return !task.packed && (task.b_col != 1 || task.rows >= kCopyRows);
}

// Of a panel. A packed B is as it was packed.
template <typename T, typename Isa>
int panel_vectors(const MatmulTask<T>& task) {
  return task.packed || task.panel_vectors == 0 ? kTileVectors<Isa> : task.panel_vectors;
}

// Columns of a block of B. Of a B that was packed, all: its panels are as they were packed.
template <typename T, typename Isa>
std::int64_t column_block(const MatmulTask<T>& task) {
  const std::int64_t kPanel = panel_vectors<T, Isa>(task) * kLanes<T, Isa>;
  const std::int64_t depth = depth_block(task);
  if (task.packed || depth == 0) return task.cols;
  const std::int64_t panels = task.block_elements / depth / kPanel;
  return least(task.cols, panels > 1 ? panels * kPanel : kPanel);
}

// A tile's rows of A are copied where their elements lie along m and there are several panels to
// read them again: fewer if the steps from k to k are such that all compete for the same places of
// the nearest cache.
template <typename T, typename Isa>
bool copies_a(const MatmulTask<T>& task) {
  constexpr std::int64_t kPage = 4096 / sizeof(T);
  const std::int64_t kPanel = 2 * kLanes<T, Isa>;
  return task.a_col != 1 && task.cols >= kPanel * (task.a_col % kPage == 0 ? 4 : 6);
}

// Of the copy of a tile's rows of A; in whole vectors.
template <typename T, typename Isa>
std::int64_t strip_size(std::int64_t depth) {
  constexpr std::int64_t kWide = kLanes<T, Isa>;
  return (depth * most_tile_rows<Isa>(1) / kWide + 2) * kWide;
}

// Room for the tail of a panel: a vector has fewer columns too many than lanes, and no more rows do
// not lie in front of others.
template <typename T, typename Isa>
inline constexpr std::int64_t kTailSize = kLanes<T, Isa>* kPanelCols<T, Isa>;

template <typename T, typename Isa>
std::int64_t outer_workspace(const MatmulTask<T>& task) {
  const std::int64_t depth = depth_block(task);
  // Columns of the last panel may fill no vector.
  const std::int64_t columns = copies_b(task) ? column_block<T, Isa>(task) + kLanes<T, Isa> : 0;
  return kTailSize<T, Isa> + strip_size<T, Isa>(depth) + depth * columns;
}

// The rows of such a panel, of which the last ones are read from a copy.
template <typename T, typename Isa>
void copy_tail(const T* b, std::int64_t width, std::int64_t stride, Panel<T>* panel, T* to) {
  const std::int64_t row = (width + kLanes<T, Isa> - 1) / kLanes<T, Isa> * kLanes<T, Isa>;
  const std::int64_t beyond = row - width;
  panel->tail_rows = least(panel->depth, (beyond + stride - 1) / stride);
  panel->tail = to;
  b += (panel->depth - panel->tail_rows) * stride;
  for (std::int64_t k = 0; k < panel->tail_rows; ++k, b += stride, to += row) {
    for (std::int64_t n = 0; n < row; ++n) to[n] = n < width ? b[n] : T{0};
  }
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

// Copies `count` rows of A, whose elements lie side by side along m, k after k. Whole vectors are
// read, also beyond the rows that there are (`reachable`), but for the last values of k, behind
// which nothing lies; what is written too much, the next values are written over.
template <typename T, typename Isa>
void copy_strip(const T* a, std::int64_t a_col, std::int64_t depth, int count,
                std::int64_t reachable, T* to) {
  constexpr int kWide = kLanes<T, Isa>;
  using Half = NarrowIsa<Isa, Isa::kVectorBytes / 2>;
  const std::int64_t beyond = kWide - reachable;
  const std::int64_t tail = beyond > 0 ? least(depth, (beyond + a_col - 1) / a_col) : 0;
  const std::int64_t whole = count > kWide ? 0 : depth - tail;
  std::int64_t k = 0;
  for (; k < whole; ++k, a += a_col, to += count) {
    __builtin_prefetch(a + kRowsAhead * a_col);
    if (count <= kWide / 2) {
      store<T, Half>(to, load<T, Half>(a));
    } else {
      store<T, Isa>(to, load<T, Isa>(a));
    }
  }
  for (; k < depth; ++k, a += a_col, to += count) {
    for (int r = 0; r < count; ++r) to[r] = a[r];
  }
}

// So many things in the fewest parts of at most `most`, as equal as can be: the first `large` parts
// have small + 1, the others small.
struct Division {
  std::int64_t parts;
  std::int64_t large;
  int small;
};

[[gnu::always_inline]] constexpr Division divide(std::int64_t count, int most) {
  // Divisions take as long as a small product.
  if (count <= most) return {count > 0 ? 1 : 0, 0, static_cast<int>(count)};
  const std::int64_t parts = (count + most - 1) / most;
  return {parts, count % parts, static_cast<int>(count / parts)};
}

[[gnu::always_inline]] constexpr int size_of_part(const Division& division, std::int64_t part) {
  return division.small + (part < division.large ? 1 : 0);
}

// The task's columns in panels of at most so many vectors.
template <typename T, typename Isa>
Division divide_columns(const MatmulTask<T>& task, int vectors) {
  constexpr std::int64_t kWide = kLanes<T, Isa>;
  return divide((task.cols + kWide - 1) / kWide, vectors);
}

// Of a B that stays in the second-level cache and is found there without being asked for.
inline constexpr std::int64_t kNearElements = 20 << 10;

// Calls visit(first column, width, vectors) for each panel.
template <typename T, typename Isa, typename Visit>
[[gnu::always_inline]] inline void for_panels(const Division& panels, std::int64_t cols,
                                              const Visit& visit) {
  std::int64_t n = 0;
  for (std::int64_t i = 0; i < panels.parts; ++i) {
    const int vectors = size_of_part(panels, i);
    const std::int64_t width = vectors * kLanes<T, Isa>;
    visit(n, least(width, cols - n), vectors);
    n += width;
  }
}

// The four sizes of tile that a block needs; null where there is no such part.
template <typename T, typename Isa>
struct TileFunctions {
  TileFunction<T> of[2][2];  // [has one row more][has one vector more]

  TileFunctions(bool along_rows, bool is_long, const Division& tiles, const Division& panels) {
    for (int r = 0; r < 2; ++r) {
      for (int v = 0; v < 2; ++v) {
        of[r][v] = along_rows
                       ? tile_function<T, Isa, true>(tiles.small + r, panels.small + v, is_long)
                       : tile_function<T, Isa, false>(tiles.small + r, panels.small + v, is_long);
      }
    }
  }
};

// All of the task's C, whose columns are those of a block of B, by values of k from `first_k` on,
// in panels of at most so many vectors.
template <typename T, typename Isa>
void outer_block(const MatmulTask<T>& task, std::int64_t first_k, std::int64_t depth,
                 int vectors_of_panel) {
  constexpr std::int64_t kWide = kLanes<T, Isa>;
  const bool copy_a = copies_a<T, Isa>(task);
  const bool copy_b = copies_b(task);
  T* const tail = task.workspace;
  T* const strip = tail + kTailSize<T, Isa>;
  T* const block = strip + strip_size<T, Isa>(depth);
  const Division panels = divide_columns<T, Isa>(task, vectors_of_panel);
  const Division tiles =
      divide(task.rows, tile_rows_of<T, Isa>(size_of_part(panels, 0), task.transpose_c));
  const bool long_sums = depth >= kShortSum;
  const TileFunctions<T, Isa> near_tile(task.a_col == 1, false, tiles, panels);
  const TileFunctions<T, Isa> far_tile(task.a_col == 1, long_sums, tiles, panels);
  const bool far = task.cols * depth > kNearElements;

  Panel<T> panel{};
  panel.depth = depth;
  panel.add = task.accumulate || first_k > 0;
  panel.finish = first_k + depth == task.depth;
  const bool epilogue = task.bias != nullptr || task.relu || task.relu_mask != nullptr;
  panel.direct = !task.transpose_c && !(panel.finish && epilogue);
  RowsOfTile<T> rows{0, nullptr, task.a_row, task.a_col};
  for (std::int64_t i = 0; i < tiles.parts; ++i) {
    const int count = size_of_part(tiles, i);
    rows.a = task.a + rows.m * task.a_row + first_k * task.a_col;
    if (copy_a) {
      copy_strip<T, Isa>(rows.a, task.a_col, depth, count, task.rows - rows.m, strip);
      rows.a = strip;
      rows.a_col = count;
    }
    for_panels<T, Isa>(panels, task.cols, [&](std::int64_t n, std::int64_t width, int vectors) {
      panel.n = n;
      panel.width = width;
      panel.copy = nullptr;
      const T* const from = task.b + first_k * task.b_row + n * task.b_col;
      const bool ends = width % kWide != 0 && panel.finish;
      panel.tail_rows = 0;
      if (task.packed) {
        panel.stride = vectors * kWide;
        panel.b = task.b + n * task.depth + first_k * panel.stride;
        panel.next_b = panel.b + panel.stride * task.depth;
      } else if (!copy_b || (i == 0 && task.b_col == 1 && depth >= kShortSum)) {
        // Where it lies. The first tile of a long sum leaves a copy behind for the others, at no
        // cost: stores are not what it waits for.
        panel.stride = task.b_row;
        panel.b = from;
        panel.next_b = from + width;
        if (ends) copy_tail<T, Isa>(from, width, panel.stride, &panel, tail);
        if (copy_b) panel.copy = block + n * depth;
      } else {
        T* const copy = block + n * depth;
        panel.stride = vectors * kWide;
        panel.b = copy;
        panel.next_b = copy + panel.stride * depth;
        if (i == 0) pack_panel<T, Isa>(task, panel, from, copy, panel.stride);
      }
      const auto& tile = (copy_b ? i == 0 : far) ? far_tile : near_tile;
      tile.of[count - tiles.small][vectors - panels.small](task, panel, rows);
    });
    rows.m += count;
  }
}

template <typename T, typename Isa>
void matmul_outer(const MatmulTask<T>& task) {
  const std::int64_t most_depth = depth_block(task);
  const std::int64_t most_cols = column_block<T, Isa>(task);
  const int vectors = panel_vectors<T, Isa>(task);
  for (std::int64_t n = 0; n < task.cols; n += most_cols) {
    const MatmulTask<T> part = cols_of(task, n, least(n + most_cols, task.cols));
    std::int64_t k = 0;
    do {  // once even where there is no k: C must be written
      const std::int64_t depth = least(most_depth, task.depth - k);
      outer_block<T, Isa>(part, k, depth, vectors);
      k += depth;
    } while (k < task.depth);
  }
}

}  // namespace wick::cpu
