// SPDX-License-Identifier: MIT
// Copies of A in strips: the rows of a tile, k after k, so that a tile reads one run of memory.
#pragma once

#include "kernels/cpu/simd/matmul_tile.h"

namespace wick::cpu {

// A strip is written by vectors that may reach beyond its rows; what they put there is written
// over by the next.
template <typename T, typename Isa>
std::int64_t strips_size(std::int64_t rows, std::int64_t depth) {
  return strip_at(rows, divide_rows(rows, kStripRows<T, Isa>).tiles, depth) + kLanes<T, Isa>;
}

// A strip of `count` rows whose elements lie side by side.
template <typename T, typename Isa>
void pack_strip_of_rows(const T* a, std::int64_t a_row, std::int64_t depth, int count, T* to) {
  constexpr int kWide = kLanes<T, Isa>;
  std::int64_t k = 0;
  for (; k + kWide <= depth; k += kWide) {
    Vector<T, Isa> square[kWide];
    unroll<kWide>([&](auto r) {
      square[r] = load<T, Isa>(a + (r < count ? static_cast<std::int64_t>(r) : 0) * a_row + k);
    });
    transpose_tile<T, Isa>(square);
    unroll<kWide>([&](auto i) { store<T, Isa>(to + i * count, square[i]); });
    to += kWide * count;
  }
  for (; k < depth; ++k) {
    for (int r = 0; r < count; ++r) *to++ = a[r * a_row + k];
  }
}

// Copies the block of A that the panel describes: `rows` rows, panel.depth columns. `Lanes` are the
// vector's that a row of a strip fits into.
template <typename T, typename Isa, typename Lanes>
void pack_strips_by(const Panel<T>& panel, std::int64_t rows, T* to) {
  constexpr int kWide = kLanes<T, Lanes>;
  const auto [tiles, large, small] = divide_rows(rows, kStripRows<T, Isa>);
  if (panel.layout == LayoutOfA::rows) {
    for (std::int64_t i = 0, m = 0; i < tiles; ++i) {
      const int count = small + (i < large ? 1 : 0);
      pack_strip_of_rows<T, Lanes>(panel.a + m * panel.a_row, panel.a_row, panel.depth, count,
                                   to + strip_at(m, i, panel.depth));
      m += count;
    }
    return;
  }
  for (std::int64_t k = 0; k < panel.depth; ++k) {
    const T* const column = panel.a + k * panel.a_col;
    for (std::int64_t i = 0, m = 0; i < tiles; ++i) {
      const int count = small + (i < large ? 1 : 0);
      T* const strip = to + strip_at(m, i, panel.depth) + k * count;
      if (m + kWide <= rows) {
        store<T, Lanes>(strip, load<T, Lanes>(column + m));
      } else {
        for (int r = 0; r < count; ++r) strip[r] = column[m + r];
      }
      m += count;
    }
  }
}

template <typename T, typename Isa>
void pack_strips(const Panel<T>& panel, std::int64_t rows, T* to) {
  constexpr int kHalf = Isa::kVectorBytes / 2;
  constexpr int kBytes = kStripRows<T, Isa> * static_cast<int>(sizeof(T));
  if constexpr (kBytes <= kHalf) {
    pack_strips_by<T, Isa, NarrowIsa<Isa, kHalf>>(panel, rows, to);
  } else {
    pack_strips_by<T, Isa, Isa>(panel, rows, to);
  }
}

}  // namespace wick::cpu
