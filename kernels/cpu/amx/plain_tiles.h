// SPDX-License-Identifier: MIT
// A stand-in for the processor's tiles, in plain C++: what runs on them can be tested anywhere.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace wick::cpu {

class PlainTiles {
 public:
  template <int Tile>
  void zero() {
    std::memset(tiles_[Tile], 0, sizeof tiles_[Tile]);
  }
  template <int Tile>
  void load(const void* from, std::int64_t stride) {
    for (std::int64_t row = 0; row < kRows; ++row) {
      std::memcpy(tiles_[Tile][row], static_cast<const std::byte*>(from) + row * stride, kRowBytes);
    }
  }
  template <int Tile>
  void store(void* to, std::int64_t stride) {
    for (std::int64_t row = 0; row < kRows; ++row) {
      std::memcpy(static_cast<std::byte*>(to) + row * stride, tiles_[Tile][row], kRowBytes);
    }
  }
  template <int Sum, int Left, int Right>
  void add_products() {
    for (int i = 0; i < kRows; ++i) {
      for (int j = 0; j < kRows; ++j) {
        // The products of the pairs' first elements and those of the second ones are summed apart.
        float first = 0;
        float second = 0;
        for (int p = 0; p < kRows; ++p) {
          const std::uint32_t a = tiles_[Left][i][p];
          const std::uint32_t b = tiles_[Right][p][j];
          first += lower(a) * lower(b);
          second += upper(a) * upper(b);
        }
        std::uint32_t& sum = tiles_[Sum][i][j];
        sum = std::bit_cast<std::uint32_t>(std::bit_cast<float>(sum) + (first + second));
      }
    }
  }

 private:
  static constexpr int kRows = 16;
  static constexpr std::size_t kRowBytes = 64;
  static float lower(std::uint32_t pair) { return std::bit_cast<float>(pair << 16); }
  static float upper(std::uint32_t pair) { return std::bit_cast<float>(pair & 0xFFFF0000U); }

  std::uint32_t tiles_[8][kRows][kRows] = {};
};

}  // namespace wick::cpu
