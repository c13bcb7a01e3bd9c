// SPDX-License-Identifier: MIT
// Blocks of sums by eight tiles, of which each holds 16 rows of 64 bytes: four of sums, two of the
// left operand, two of the right one. `Tiles` are the processor's (tiles.h) or arrays
// (plain_tiles.h).
#pragma once

#include "kernels/cpu/amx/pairs_product.h"

namespace wick::cpu {

template <typename Tiles>
class TileEngine {
 public:
  /// sums (i, j) = or += the sum over `steps` steps of left (i, k) right (j, k), for `Left` and
  /// `Right` tiles of 16 rows of them. `sums` is a block of 32 by 32.
  template <int Left, int Right>
  [[gnu::always_inline]] void multiply(const LeftStrip& left, const std::uint16_t* right,
                                       std::int64_t steps, float* sums, bool add) {
    constexpr std::int64_t kBlockRow = kStripRows * static_cast<std::int64_t>(sizeof(float));
    constexpr std::int64_t kTileRow = 64;
    const std::int64_t row = left.row_stride * static_cast<std::int64_t>(sizeof(std::uint16_t));
    const auto sums_of = [sums](int l, int r) __attribute__((always_inline)) {
      return sums + l * kTileRows * kStripRows + r * kTileRows;
    };
    unroll<Left>([&](auto l) {
      unroll<Right>([&](auto r) {
        constexpr int kSum = 2 * decltype(l)::value + decltype(r)::value;
        if (add) {
          tiles_.template load<kSum>(sums_of(l, r), kBlockRow);
        } else {
          tiles_.template zero<kSum>();
        }
      });
    });
    const std::uint16_t* a = left.data;
    for (std::int64_t s = 0; s < steps; ++s, a += left.step_stride, right += kStepElements) {
      unroll<Right>([&](auto r) {
        tiles_.template load<6 + decltype(r)::value>(right + r * kTileElements, kTileRow);
      });
      unroll<Left>([&](auto l) {
        constexpr int kLeft = 4 + decltype(l)::value;
        tiles_.template load<kLeft>(a + l * left.tile_stride, row);
        unroll<Right>([&](auto r) {
          constexpr int kRight = decltype(r)::value;
          tiles_.template add_products<2 * (kLeft - 4) + kRight, kLeft, 6 + kRight>();
        });
      });
    }
    unroll<Left>([&](auto l) {
      unroll<Right>([&](auto r) {
        constexpr int kSum = 2 * decltype(l)::value + decltype(r)::value;
        tiles_.template store<kSum>(sums_of(l, r), kBlockRow);
      });
    });
  }

 private:
  Tiles tiles_;
};

}  // namespace wick::cpu
