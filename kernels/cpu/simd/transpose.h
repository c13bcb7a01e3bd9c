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

/// to[c * to_stride + r] = from[r * from_stride + c] for `rows` by `cols` elements.
template <typename T, typename Isa>
void transpose(const T* from, std::int64_t from_stride, std::int64_t rows, std::int64_t cols, T* to,
               std::int64_t to_stride) {
  constexpr int kWide = kLanes<T, Isa>;
  std::int64_t r = 0;
  for (; r + kWide <= rows; r += kWide) {
    std::int64_t c = 0;
    for (; c + kWide <= cols; c += kWide) {
      Vector<T, Isa> tile[kWide];
      unroll<kWide>([&](auto i) { tile[i] = load<T, Isa>(from + (r + i) * from_stride + c); });
      transpose_tile<T, Isa>(tile);
      unroll<kWide>([&](auto i) { store<T, Isa>(to + (c + i) * to_stride + r, tile[i]); });
    }
    for (; c < cols; ++c) {
      for (int i = 0; i < kWide; ++i) to[c * to_stride + r + i] = from[(r + i) * from_stride + c];
    }
  }
  for (; r < rows; ++r) {
    for (std::int64_t c = 0; c < cols; ++c) to[c * to_stride + r] = from[r * from_stride + c];
  }
}

}  // namespace wick::cpu
