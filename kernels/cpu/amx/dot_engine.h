// SPDX-License-Identifier: MIT
// Blocks of sums by AVX512-BF16: an instruction adds the products of 16 pairs to 16 sums.
#pragma once

#include "kernels/cpu/amx/pairs_product.h"

namespace wick::cpu {

template <typename Isa>
class DotEngine {
 public:
  /// See TileEngine::multiply.
  template <int Left, int Right>
  void multiply(const LeftStrip& left, const std::uint16_t* right, std::int64_t steps, float* sums,
                bool add) {
    for (std::int64_t i = 0; i < Left * kTileRows; i += kRows) {
      const std::uint16_t* const a =
          left.data + i / kTileRows * left.tile_stride + i % kTileRows * left.row_stride;
      multiply_rows<Right>(a, left, right, steps, sums + i * kStripRows, add);
    }
  }

 private:
  using V = Vector<float, Isa>;
  // Of two vectors each: their sums are enough to keep the instruction's units busy.
  static constexpr int kRows = 8;

  template <int Right>
  [[gnu::noinline]] static void multiply_rows(const std::uint16_t* a, const LeftStrip& left,
                                              const std::uint16_t* right, std::int64_t steps,
                                              float* sums, bool add) {
    const std::int64_t row_stride = left.row_stride;
    V sum[kRows][Right] = {};
    if (add) {
      unroll<kRows>([&](auto r) {
        unroll<Right>(
            [&](auto v) { sum[r][v] = load<float, Isa>(sums + r * kStripRows + v * kTileRows); });
      });
    }
    for (std::int64_t s = 0; s < steps; ++s, a += left.step_stride, right += kStepElements) {
      for (std::int64_t p = 0; p < kTileRows; ++p) {
        V column[Right];
        unroll<Right>([&](auto v) {
          column[v] = load_pairs<Isa>(right + v * kTileElements + p * kStepDepth);
        });
        unroll<kRows>([&](auto r) {
          float pair = 0;
          __builtin_memcpy(&pair, a + r * row_stride + 2 * p, sizeof pair);
          const V row = broadcast_bits(pair);
          unroll<Right>([&](auto v) {
            sum[r][v] = _mm512_dpbf16_ps(sum[r][v], reinterpret_cast<__m512bh>(row),
                                         reinterpret_cast<__m512bh>(column[v]));
          });
        });
      }
    }
    unroll<kRows>([&](auto r) {
      unroll<Right>(
          [&](auto v) { store<float, Isa>(sums + r * kStripRows + v * kTileRows, sum[r][v]); });
    });
  }
  [[gnu::always_inline]] static V broadcast_bits(float pair) {
    return __builtin_shufflevector(V{pair}, V{pair}, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                   0);
  }
};

}  // namespace wick::cpu
