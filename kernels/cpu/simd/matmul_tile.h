// SPDX-License-Identifier: MIT
// The innermost part of an outer product: a tile of C that stays in registers while k runs.
#pragma once

#include "kernels/cpu/simd/matmul_epilogue.h"
#include "kernels/cpu/simd/transpose.h"

namespace wick::cpu {

// The widest tile, in vectors of columns.
template <typename Isa>
inline constexpr int kTileVectors = Isa::kRegisters == 32 ? 4 : 2;
// The widest where A lies in strips.
inline constexpr int kStripVectors = 2;

// Rows of a tile: its accumulators fill the registers but for a row of B and a broadcast. Of one
// vector eight, which keep two multipliers busy; more rows of A would only compete for the cache.
template <typename Isa>
constexpr int tile_rows(int vectors) {
  return vectors == 1 ? 8 : (Isa::kRegisters - 1 - vectors) / vectors;
}

// Where the elements of A are that a tile needs: in rows (a_col is 1), in columns (a_row is 1), or
// copied in strips.
enum class LayoutOfA { rows, columns, strips };

// Rows of a tile, where A lies in strips; a row of a strip fits into a vector.
template <typename T, typename Isa>
inline constexpr int kStripRows = tile_rows<Isa>(kStripVectors) < kLanes<T, Isa>
                                      ? tile_rows<Isa>(kStripVectors)
                                      : kLanes<T, Isa>;

// Rows divided into tiles of at most so many, as equal as can be: the first `large` tiles have
// small + 1 rows.
struct TileRows {
  std::int64_t tiles;
  std::int64_t large;
  int small;
};

constexpr TileRows divide_rows(std::int64_t rows, int most) {
  const std::int64_t tiles = (rows + most - 1) / most;
  return {tiles, rows % tiles, static_cast<int>(rows / tiles)};
}

// Where the strip of tile i lies that begins with row m: behind those before it, with gaps, lest
// their beginnings compete for the same places of the caches.
inline constexpr std::int64_t kStripGap = 16;

constexpr std::int64_t strip_at(std::int64_t m, std::int64_t i, std::int64_t depth) {
  return m * depth + i * kStripGap;
}

// Some columns of C and a block of k; elements of A are counted from row 0 and the block's first k.
template <typename T>
struct Panel {
  const T* a;  // (m, k) at a[m * a_row + k * a_col], or in strips: see matmul_strips.h
  std::int64_t a_row;
  std::int64_t a_col;
  LayoutOfA layout;
  const T* b;  // row k at b + k * stride
  std::int64_t stride;
  std::int64_t first_row;  // the row of C that is A's row 0
  std::int64_t n;          // the first column
  std::int64_t width;      // columns
  std::int64_t depth;
  // The next panel, to ask the memory for it in good time.
  const T* next_b;
  std::int64_t next_stride;  // from row to row, or if it is transposed from column to column
  std::int64_t next_width;   // its columns; 0 after the last
  bool next_is_transposed;
  bool add;     // C holds the sum of earlier blocks, or is accumulated to
  bool finish;  // the last block
  bool direct;  // nothing but `add` is left to do and C's rows are not columns
};

// The accumulators of a tile on their way to a C that needs more than addition. A function of its
// own: it is entered once per tile, and its branches need registers too.
template <typename T, typename Isa>
[[gnu::noinline]] void finish_tile(const MatmulTask<T>& task, const Panel<T>& panel, std::int64_t m,
                                   int rows, T* tile, std::int64_t stride) {
  constexpr int kWide = kLanes<T, Isa>;
  if (task.transpose_c) {
    // The tile's columns are rows of memory. Rows beyond the last are transposed too, and not
    // stored.
    for (int m0 = 0; m0 < rows; m0 += kWide) {
      const int count = rows - m0 < kWide ? rows - m0 : kWide;
      for (std::int64_t n = 0; n < panel.width; n += kWide) {
        T* const corner = tile + m0 * stride + n;
        Vector<T, Isa> square[kWide];
        unroll<kWide>([&](auto r) { square[r] = load<T, Isa>(corner + r * stride); });
        transpose_tile<T, Isa>(square);
        unroll<kWide>([&](auto r) { store<T, Isa>(corner + r * stride, square[r]); });
        const std::int64_t columns = panel.width - n < kWide ? panel.width - n : kWide;
        for (std::int64_t i = 0; i < columns; ++i) {
          store_result<T, Isa>(task, panel.n + n + i, m + m0, load<T, Isa>(corner + i * stride),
                               count, panel.add, panel.finish);
        }
      }
    }
    return;
  }
  for (int r = 0; r < rows; ++r) {
    for (std::int64_t n = 0; n < panel.width; n += kWide) {
      const std::int64_t left = panel.width - n;
      store_result<T, Isa>(task, m + r, panel.n + n, load<T, Isa>(tile + r * stride + n),
                           left < kWide ? static_cast<int>(left) : kWide, panel.add, panel.finish);
    }
  }
}

// Rows [m, m + Rows) of C by the panel; `a` is where A's lie. `next_b`: a part of the next panel to
// ask for, or null.
template <typename T, typename Isa, int Rows, int Vectors, LayoutOfA Layout>
[[gnu::noinline]] void outer_tile(const MatmulTask<T>& task, const Panel<T>& panel, std::int64_t m,
                                  const T* a, const T* next_b) {
  using V = Vector<T, Isa>;
  constexpr int kWide = kLanes<T, Isa>;
  V sum[Rows][Vectors] = {};
  const std::int64_t a_row = Layout == LayoutOfA::rows ? panel.a_row : 1;
  const std::int64_t a_col = Layout == LayoutOfA::rows      ? 1
                             : Layout == LayoutOfA::columns ? panel.a_col
                                                            : Rows;
  const T* b = panel.b;
  const std::int64_t c_row = task.c_row;
  T* const c = task.c + (panel.first_row + m) * c_row + panel.n;
  const auto last = static_cast<int>(panel.width - (Vectors - 1) * kWide);  // lanes in use
  const bool direct = panel.direct && (kHasMasks<T, Isa> || last == kWide);
  // C is asked for shortly before it is needed: what came earlier would be gone again. Short sums
  // are not worth asking.
  const bool ask = panel.depth > 4 * kWide;
  const std::int64_t ask_c = ask ? panel.depth / kWide * kWide - 4 * kWide : -1;
  for (std::int64_t k = 0; k < panel.depth;) {
    // Ask for what the next tile or panel will read, as much as this one computes with.
    if (Layout == LayoutOfA::rows && ask) {
      unroll<Rows>([&](auto r) { __builtin_prefetch(a + (Rows + r) * a_row); });
    }
    if (k == ask_c && direct) {
      unroll<Rows>([&](auto r) {
        unroll<Vectors>([&](auto v) { __builtin_prefetch(c + r * c_row + v * kWide, 1); });
      });
    }
    const std::int64_t end = k + kWide < panel.depth ? k + kWide : panel.depth;
    if (next_b != nullptr) {
      for (std::int64_t i = k; i < end; ++i) {
        __builtin_prefetch(next_b + i * panel.next_stride, 0, 2);
      }
    }
    for (; k < end; ++k) {
      if (Layout == LayoutOfA::strips) __builtin_prefetch(a + kWide * Rows);
      V row[Vectors];
      unroll<Vectors>([&](auto v) { row[v] = load<T, Isa>(b + v * kWide); });
      unroll<Rows>([&](auto r) {
        const V scale = broadcast<T, Isa>(a[r * a_row]);
        unroll<Vectors>([&](auto v) { sum[r][v] += scale * row[v]; });
      });
      a += a_col;
      b += panel.stride;
    }
  }
  if (!direct) {
    constexpr int kBufferRows = (Rows + kWide - 1) / kWide * kWide;  // whole squares
    T tile[kBufferRows * Vectors * kWide];
    unroll<Rows>([&](auto r) {
      unroll<Vectors>([&](auto v) { store<T, Isa>(tile + (r * Vectors + v) * kWide, sum[r][v]); });
    });
    finish_tile<T, Isa>(task, panel, panel.first_row + m, Rows, tile, Vectors * kWide);
    return;
  }
  const bool add = panel.add;
  if (last == kWide) {
    if (add) {
      unroll<Rows>([&](auto r) {
        unroll<Vectors>([&](auto v) { sum[r][v] += load<T, Isa>(c + r * c_row + v * kWide); });
      });
    }
    unroll<Rows>([&](auto r) {
      unroll<Vectors>([&](auto v) { store<T, Isa>(c + r * c_row + v * kWide, sum[r][v]); });
    });
    return;
  }
  unroll<Rows>([&](auto r) {
    unroll<Vectors>([&](auto v) {
      T* const to = c + r * c_row + v * kWide;
      if constexpr (v < Vectors - 1) {
        if (add) sum[r][v] += load<T, Isa>(to);
        store<T, Isa>(to, sum[r][v]);
      } else {
        if (add) sum[r][v] += load_first<T, Isa>(to, last);
        store_first<T, Isa>(to, sum[r][v], last);
      }
    });
  });
}

// The tile of so many rows and vectors, by a table.
template <typename T>
using TileFunction = void (*)(const MatmulTask<T>&, const Panel<T>&, std::int64_t, const T*,
                              const T*);

template <typename T, typename Isa, int Rows, int Vectors, LayoutOfA Layout>
TileFunction<T> tile_function(int rows) {
  if constexpr (Rows == 0) {
    return nullptr;
  } else {
    return rows == Rows ? outer_tile<T, Isa, Rows, Vectors, Layout>
                        : tile_function<T, Isa, Rows - 1, Vectors, Layout>(rows);
  }
}

// All rows of the panel, in tiles as equal as can be.
template <typename T, typename Isa, int Vectors, LayoutOfA Layout>
void panel_tiles(const MatmulTask<T>& task, const Panel<T>& panel, std::int64_t rows) {
  constexpr bool kStrips = Layout == LayoutOfA::strips;
  // Strips are divided once for all panels, the narrower last ones too.
  constexpr int kRows = kStrips ? kStripRows<T, Isa> : tile_rows<Isa>(Vectors);
  const auto [tiles, large_tiles, small] = divide_rows(rows, kRows);
  const auto large_tile = tile_function<T, Isa, kRows, Vectors, Layout>(small + 1);
  const auto small_tile = tile_function<T, Isa, kRows, Vectors, Layout>(small);
  std::int64_t m = 0;
  constexpr int kWide = kLanes<T, Isa>;
  std::int64_t asked = 0;
  for (std::int64_t i = 0; i < tiles; ++i) {
    // Each of the first tiles asks for one vector of each row of the next panel; where that lies
    // transposed, each tile asks for its share of the columns.
    const T* part = nullptr;
    if (panel.next_is_transposed) {
      for (; asked * tiles < (i + 1) * panel.next_width; ++asked) {
        const T* const column = panel.next_b + asked * panel.next_stride;
        for (std::int64_t k = 0; k < panel.depth; k += kWide) __builtin_prefetch(column + k, 0, 2);
      }
    } else if (i * kWide < panel.next_width) {
      part = panel.next_b + i * kWide;
    }
    const T* const a = panel.a + (kStrips ? strip_at(m, i, panel.depth) : m * panel.a_row);
    if (i < large_tiles) {
      large_tile(task, panel, m, a, part);
      m += small + 1;
    } else {
      small_tile(task, panel, m, a, part);
      m += small;
    }
  }
}

template <typename T, typename Isa, int Vectors = kTileVectors<Isa>>
void outer_panel(int vectors, const MatmulTask<T>& task, const Panel<T>& panel, std::int64_t rows) {
  if constexpr (Vectors > 0) {
    if (vectors != Vectors) {
      outer_panel<T, Isa, Vectors - 1>(vectors, task, panel, rows);
    } else if (panel.layout == LayoutOfA::rows) {
      panel_tiles<T, Isa, Vectors, LayoutOfA::rows>(task, panel, rows);
    } else if (panel.layout == LayoutOfA::columns) {
      panel_tiles<T, Isa, Vectors, LayoutOfA::columns>(task, panel, rows);
    } else if constexpr (Vectors <= kStripVectors) {
      panel_tiles<T, Isa, Vectors, LayoutOfA::strips>(task, panel, rows);
    }
  }
}

}  // namespace wick::cpu
