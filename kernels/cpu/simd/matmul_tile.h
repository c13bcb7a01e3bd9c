// SPDX-License-Identifier: MIT
// The innermost part of an outer product: a tile of C that stays in registers while k runs.
#pragma once

#include "kernels/cpu/simd/matmul_epilogue.h"
#include "kernels/cpu/simd/transpose.h"

namespace wick::cpu {

// The widest tile, in vectors of columns: for few rows, whose accumulators leave registers for it.
inline constexpr int kMostVectors = 4;
// Of a packed B, which serves any number of rows.
template <typename Isa>
inline constexpr int kTileVectors = Isa::kRegisters == 32 ? 4 : 2;

// Rows of a tile: its accumulators fill the registers but for a row of B and a broadcast. Of one
// vector eight, which keep two multipliers busy; more rows of A would only compete for the cache.
template <typename Isa>
constexpr int tile_rows(int vectors) {
  return vectors == 1 ? 8 : (Isa::kRegisters - 1 - vectors) / vectors;
}

// As many as a tile can have: where the last panel is narrower than the others, its tiles are as
// tall as theirs.
template <typename Isa>
constexpr int most_tile_rows(int vectors) {
  const int rows = tile_rows<Isa>(vectors);
  return vectors == 1 && tile_rows<Isa>(2) > rows ? tile_rows<Isa>(2) : rows;
}

// Where C is transposed, rows of a tile become short or whole vectors, so that no column is stored
// in parts; for more vectors than that, wide tiles would lack registers.
template <typename T, typename Isa>
constexpr int tile_rows_of(int vectors, bool transpose_c) {
  constexpr int kWide = kLanes<T, Isa>;
  if (!transpose_c) return tile_rows<Isa>(vectors);
  return kWide > 4 ? kWide / 2 : kWide;
}
inline constexpr int kTransposedVectors = 3;

[[gnu::always_inline]] constexpr std::int64_t least(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}

// Rows of B that are prefetched before they are read: the processor does not foresee rows that lie
// far apart. (By plain loops: GCC takes a function, a lambda too, that does nothing but prefetch
// for one without effect, and drops its calls.)
inline constexpr std::int64_t kRowsAhead = 8;
// Below so many values of k, nothing is asked for: most of it would be of another panel.
inline constexpr std::int64_t kShortSum = 64;

// Rows of C and a block of k.
template <typename T>
struct RowsOfTile {
  std::int64_t m;  // the first row of C
  const T* a;      // (row r, the block's k) at a[r * a_row + k * a_col]; one of the strides is 1
  std::int64_t a_row;
  std::int64_t a_col;
};

// Columns of C and the same block of k.
template <typename T>
struct Panel {
  const T* b;  // row k at b + k * stride
  std::int64_t stride;
  const T* next_b;  // the next panel's first row, to be asked for in good time
  // Where the last vector is not whole, rows of B are read beyond their end, into the next ones.
  // The last rows have no next one: a copy of them, filled up, stands in for them.
  const T* tail;
  std::int64_t tail_rows;
  T* copy;             // where the rows are to be copied, one behind the other; or null
  std::int64_t n;      // the first column
  std::int64_t width;  // columns
  std::int64_t depth;
  bool add;     // C holds the sum of earlier blocks, or is accumulated to
  bool finish;  // the last block
  bool direct;  // nothing but `add` is left to do and C's rows are not columns
};

// Four rows of a tile (of vectors of eight) become whole short vectors when they are transposed: no
// column of theirs is stored in parts.
template <typename T, typename Isa>
[[gnu::noinline]] void store_half_rows(const MatmulTask<T>& task, const Panel<T>& panel,
                                       std::int64_t m, const T* tile, std::int64_t stride) {
  using Half = NarrowIsa<Isa, Isa::kVectorBytes / 2>;
  constexpr int kHalf = kLanes<T, Half>;
  const bool plain =
      !panel.add &&
      !(panel.finish && (task.bias != nullptr || task.relu || task.relu_mask != nullptr));
  const std::int64_t c_row = task.c_row;
  T* to = task.c + panel.n * c_row + m;
  for (std::int64_t n = 0; n < panel.width; n += kHalf, tile += kHalf) {
    Vector<T, Half> square[kHalf];
    unroll<kHalf>([&](auto r) { square[r] = load<T, Half>(tile + r * stride); });
    transpose_tile<T, Half>(square);
    if (plain && n + kHalf <= panel.width) {
      unroll<kHalf>([&](auto i) {
        store<T, Half>(to, square[i]);
        to += c_row;
      });
      continue;
    }
    T rows[kHalf * kHalf];
    unroll<kHalf>([&](auto r) { store<T, Half>(rows + r * kHalf, square[r]); });
    for (int i = 0; i < kHalf && n + i < panel.width; ++i) {
      store_result<T, Half>(task, panel.n + n + i, m, load<T, Half>(rows + i * kHalf), kHalf,
                            panel.add, panel.finish);
    }
  }
}

// The accumulators of a tile on their way to a C that needs more than addition. A function of its
// own: it is entered once per tile, and its branches need registers too.
template <typename T, typename Isa>
[[gnu::noinline]] void finish_tile(const MatmulTask<T>& task, const Panel<T>& panel, std::int64_t m,
                                   int rows, T* tile, std::int64_t stride) {
  constexpr int kWide = kLanes<T, Isa>;
  if (task.transpose_c) {
    if (kWide > 4 && rows == kWide / 2)
      return store_half_rows<T, Isa>(task, panel, m, tile, stride);
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

// A tile of C. By value wherever it goes: behind a reference GCC would keep it in memory.
template <typename T, typename Isa, int Rows, int Vectors>
struct Sums {
  Vector<T, Isa> of[Rows][Vectors];
};

// The sums of a tile go to C.
template <typename T, typename Isa, int Rows, int Vectors>
[[gnu::always_inline]] inline void store_tile(const MatmulTask<T>& task, const Panel<T>& panel,
                                              std::int64_t m, Sums<T, Isa, Rows, Vectors> sums) {
  using V = Vector<T, Isa>;
  constexpr int kWide = kLanes<T, Isa>;
  auto& sum = sums.of;
  const auto last = static_cast<int>(panel.width - (Vectors - 1) * kWide);  // lanes in use
  if (!panel.direct || (last != kWide && !kHasMasks<T, Isa>)) {
    constexpr int kBufferRows = (Rows + kWide - 1) / kWide * kWide;  // whole squares
    T tile[kBufferRows * Vectors * kWide];
    unroll<Rows>([&](auto r) {
      unroll<Vectors>([&](auto v) { store<T, Isa>(tile + (r * Vectors + v) * kWide, sum[r][v]); });
    });
    finish_tile<T, Isa>(task, panel, m, Rows, tile, Vectors * kWide);
    return;
  }
  const std::int64_t c_row = task.c_row;
  T* const c = task.c + m * c_row + panel.n;
  // Row after row: the compiler would work out all addresses beforehand, for every case, and spill
  // them, which takes longer than the stores.
  const auto for_rows = [&](const auto& visit) __attribute__((always_inline)) {
    T* row = c;
    unroll<Rows>([&](auto r) {
      unroll<Vectors>([&](auto v) { visit(sum[r][v], row + v * kWide, v); });
      row += c_row;
      asm("" : "+r"(row));
    });
  };
  // The last vector is masked, whole or not: to tell the cases apart takes longer.
  constexpr int kMasked = kHasMasks<T, Isa> ? Vectors - 1 : Vectors;
  if (panel.add) {
    for_rows([&](V & value, const T* from, auto v) __attribute__((always_inline)) {
      value += v == kMasked ? load_first<T, Isa>(from, last) : load<T, Isa>(from);
    });
  }
  for_rows([&](const V& value, T* to, auto v) __attribute__((always_inline)) {
    v == kMasked ? store_first<T, Isa>(to, value, last) : store<T, Isa>(to, value);
  });
}

// One tile. `AlongRows`: A's elements lie side by side along k (a_col is 1), else along m. `Long`:
// a sum of kShortSum values or more, which asks for what comes next; of a shorter one, all that
// surrounds the products weighs.
template <typename T, typename Isa, int Rows, int Vectors, bool AlongRows, bool Long>
[[gnu::noinline]] void outer_tile(const MatmulTask<T>& task, const Panel<T>& panel,
                                  const RowsOfTile<T>& tile_of) {
  using V = Vector<T, Isa>;
  constexpr int kWide = kLanes<T, Isa>;
  const std::int64_t a_row = AlongRows ? tile_of.a_row : 1;
  const std::int64_t a_col = AlongRows ? 1 : tile_of.a_col;
  const T* a = tile_of.a;
  const T* b = panel.b;
  std::int64_t stride = panel.stride;
  const std::int64_t depth = panel.depth - panel.tail_rows;
  const T* ahead = b + kRowsAhead * stride;
  T* copy = panel.copy;
  Sums<T, Isa, Rows, Vectors> sums{};
  auto& sum = sums.of;
  const auto step = [&]<bool Copy>() __attribute__((always_inline)) {
    V row[Vectors];
    unroll<Vectors>([&](auto v) { row[v] = load<T, Isa>(b + v * kWide); });
    if constexpr (Long) {
      for (int v = 0; v < Vectors; ++v) __builtin_prefetch(ahead + v * kWide);
      ahead += stride;
    }
    if constexpr (Copy) {
      unroll<Vectors>([&](auto v) { store<T, Isa>(copy + v * kWide, row[v]); });
      copy += Vectors * kWide;
    }
    unroll<Rows>([&](auto r) {
      const V scale = broadcast<T, Isa>(a[r * a_row]);
      unroll<Vectors>([&](auto v) { sum[r][v] += scale * row[v]; });
    });
    a += a_col;
    b += stride;
  };
  const auto products = [&]<bool Copy>(std::int64_t count) __attribute__((always_inline)) {
    if constexpr (Long) {
      for (; count > 0; --count) step.template operator()<Copy>();
    } else {
      // By the compiler, not by unroll(): that would mix the steps, and they do not all fit in the
      // registers. Where steps are long, and for processors that have nothing better, it is code
      // for nothing.
      constexpr int kSums = Rows * Vectors;
      if constexpr (Isa::kVectorBytes == 32 && kSums > 4 && kSums <= 12) {
#pragma GCC unroll 4
        for (; count > 0; --count) step.template operator()<Copy>();
      } else if constexpr (Isa::kVectorBytes > 16 && kSums <= 8) {
#pragma GCC unroll 2
        for (; count > 0; --count) step.template operator()<Copy>();
      } else {
        for (; count > 0; --count) step.template operator()<Copy>();
      }
    }
  };
  if constexpr (!Long) {
    products.template operator()<false>(depth);
  } else {
    // C is asked for row by row, shortly before it is needed: what came earlier would be gone
    // again, and all at once would keep others waiting.
    constexpr std::int64_t kStep = 16;
    const bool ask_c = panel.direct && depth >= (Rows + 2) * kStep;
    const T* next_c = task.c + tile_of.m * task.c_row + panel.n;
    // Where the next tile's rows begin is not foreseen; how they go on is.
    if (AlongRows && panel.n == 0) {
      for (int r = 0; r < Rows; ++r) {
        __builtin_prefetch(a + (Rows + r) * a_row, 0, 2);
        __builtin_prefetch(a + (Rows + r) * a_row + kStep, 0, 2);
      }
    }
    for (std::int64_t k = 0; k < depth;) {
      std::int64_t end = depth;
      if (ask_c) {
        end = k == 0 ? depth - (Rows + 1) * kStep : least(k + kStep, depth);
        if (k > 0 && k < depth - kStep) {
          for (int v = 0; v < Vectors; ++v) __builtin_prefetch(next_c + v * kWide, 1);
          next_c += task.c_row;
        }
      }
      // Behind the last row comes the next panel.
      if (k < depth - kRowsAhead) {
        end = least(end, depth - kRowsAhead);
      } else {
        ahead = panel.next_b;
      }
      copy != nullptr ? products.template operator()<true>(end - k)
                      : products.template operator()<false>(end - k);
      k = end;
    }
  }
  if (panel.tail_rows > 0) {
    b = panel.tail;
    stride = Vectors * kWide;
    if constexpr (Long) ahead = panel.next_b;
    for (std::int64_t k = 0; k < panel.tail_rows; ++k) {
      copy != nullptr ? step.template operator()<Long>() : step.template operator()<false>();
    }
  }
  store_tile<T, Isa, Rows, Vectors>(task, panel, tile_of.m, sums);
}

template <typename T>
using TileFunction = void (*)(const MatmulTask<T>&, const Panel<T>&, const RowsOfTile<T>&);

template <typename T, typename Isa, bool AlongRows, int Vectors, typename Rows>
struct Tiles;

template <typename T, typename Isa, bool AlongRows, int Vectors, int... I>
struct Tiles<T, Isa, AlongRows, Vectors, std::integer_sequence<int, I...>> {
  static constexpr TileFunction<T> kLong[] = {
      outer_tile<T, Isa, I + 1, Vectors, AlongRows, true>...};
  static constexpr TileFunction<T> kShort[] = {
      outer_tile<T, Isa, I + 1, Vectors, AlongRows, false>...};
};

/// The tile of so many rows and vectors, or null if there is none.
template <typename T, typename Isa, bool AlongRows, int Vectors = kMostVectors>
TileFunction<T> tile_function(int rows, int vectors, bool is_long) {
  if constexpr (Vectors == 0) {
    return nullptr;
  } else {
    if (vectors != Vectors) {
      return tile_function<T, Isa, AlongRows, Vectors - 1>(rows, vectors, is_long);
    }
    constexpr int kMostRows = most_tile_rows<Isa>(Vectors);
    using All = Tiles<T, Isa, AlongRows, Vectors, std::make_integer_sequence<int, kMostRows>>;
    if (rows < 1 || rows > kMostRows) return nullptr;
    return is_long ? All::kLong[rows - 1] : All::kShort[rows - 1];
  }
}

}  // namespace wick::cpu
