// SPDX-License-Identifier: MIT
// Transposes square tiles in registers.
#pragma once

#include "kernels/cpu/simd/vector.h"

namespace wick::cpu {

/// The first halves (`High` false) or second halves of a and b, their lanes taking turns.
template <typename T, typename Isa, bool High>
[[gnu::always_inline]] inline Vector<T, Isa> interleave(Vector<T, Isa> a, Vector<T, Isa> b) {
  constexpr int kCount = kLanes<T, Isa>;
  constexpr int kFirst = High ? kCount / 2 : 0;
  constexpr auto kA = [](int i) { return kFirst + i; };
  constexpr auto kB = [](int i) { return kFirst + kCount + i; };
  if constexpr (kCount == 2) {
    return __builtin_shufflevector(a, b, kA(0), kB(0));
  } else if constexpr (kCount == 4) {
    return __builtin_shufflevector(a, b, kA(0), kB(0), kA(1), kB(1));
  } else if constexpr (kCount == 8) {
    return __builtin_shufflevector(a, b, kA(0), kB(0), kA(1), kB(1), kA(2), kB(2), kA(3), kB(3));
  } else {
    static_assert(kCount == 16);
    return __builtin_shufflevector(a, b, kA(0), kB(0), kA(1), kB(1), kA(2), kB(2), kA(3), kB(3),
                                   kA(4), kB(4), kA(5), kB(5), kA(6), kB(6), kA(7), kB(7));
  }
}

/// As many vectors as lanes: lane j of vector i changes places with lane i of vector j. Each round
/// interleaves the first half of the vectors with the second, which moves one bit of the lane's
/// number into the vector's; after as many rounds as bits, the two have changed places.
template <typename T, typename Isa, int Rounds = kLanes<T, Isa>>
[[gnu::always_inline]] inline void transpose_tile(Vector<T, Isa>* rows) {
  if constexpr (Rounds > 1) {
    constexpr int kCount = kLanes<T, Isa>;
    Vector<T, Isa> next[kCount];
    unroll<kCount / 2>([&](auto i) {
      next[2 * i] = interleave<T, Isa, false>(rows[i], rows[i + kCount / 2]);
      next[2 * i + 1] = interleave<T, Isa, true>(rows[i], rows[i + kCount / 2]);
    });
    unroll<kCount>([&](auto i) { rows[i] = next[i]; });
    transpose_tile<T, Isa, Rounds / 2>(rows);
  }
}

/// to[c * to_stride + r] = from[r * from_stride + c] for `rows` by `cols` elements. Each row of
/// `to` is filled with zeros up to a multiple of kLanes elements, for which there must be room.
template <typename T, typename Isa>
void transpose_padded(const T* from, std::int64_t from_stride, std::int64_t rows, std::int64_t cols,
                      T* to, std::int64_t to_stride) {
  using V = Vector<T, Isa>;
  constexpr int kWide = kLanes<T, Isa>;
  for (std::int64_t r = 0; r < rows; r += kWide) {
    const std::int64_t rows_left = rows - r;
    const T* const band = from + r * from_stride;
    for (std::int64_t c = 0; c < cols; c += kWide) {
      const std::int64_t cols_left = cols - c;
      V tile[kWide];
      if (rows_left >= kWide && cols_left >= kWide) {
        unroll<kWide>([&](auto i) { tile[i] = load<T, Isa>(band + i * from_stride + c); });
        transpose_tile<T, Isa>(tile);
        unroll<kWide>([&](auto i) { store<T, Isa>(to + (c + i) * to_stride + r, tile[i]); });
        continue;
      }
      for (int i = 0; i < kWide; ++i) {
        const T* const row = band + i * from_stride + c;
        tile[i] = i >= rows_left      ? V{}
                  : cols_left < kWide ? load_first<T, Isa>(row, static_cast<int>(cols_left))
                                      : load<T, Isa>(row);
      }
      transpose_tile<T, Isa>(tile);
      for (int i = 0; i < kWide && i < cols_left; ++i) {
        store<T, Isa>(to + (c + i) * to_stride + r, tile[i]);
      }
    }
  }
}

}  // namespace wick::cpu
