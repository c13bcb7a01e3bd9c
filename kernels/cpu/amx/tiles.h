// SPDX-License-Identifier: MIT
// The processor's tiles (AMX-TILE, AMX-BF16). A thread's tiles are configured while an object
// lives, and given back after it, so that the system need not save them. By assembler, for the
// compilers' intrinsics take the number of a tile as a word of the source alone.
#pragma once

#include <cstdint>

namespace wick::cpu {

template <typename Isa>
class ProcessorTiles {
 public:
  [[gnu::always_inline]] ProcessorTiles() {
    // Palette 1; all eight tiles have 16 rows of 64 bytes.
    struct alignas(64) Configuration {
      std::uint8_t palette = 1;
      std::uint8_t start_row = 0;
      std::uint8_t reserved[14] = {};
      std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } const configuration;
    static_assert(sizeof(Configuration) == 64);
    asm volatile("ldtilecfg %0" : : "m"(configuration));
  }
  ProcessorTiles(const ProcessorTiles&) = delete;
  ProcessorTiles& operator=(const ProcessorTiles&) = delete;
  [[gnu::always_inline]] ~ProcessorTiles() { asm volatile("tilerelease"); }

  template <int Tile>
  [[gnu::always_inline]] void zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(Tile));
  }
  /// Rows of 64 bytes, `stride` bytes apart.
  template <int Tile>
  [[gnu::always_inline]] void load(const void* from, std::int64_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(Tile) : "memory");
  }
  template <int Tile>
  [[gnu::always_inline]] void store(void* to, std::int64_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(stride), "i"(Tile) : "memory");
  }
  /// Sum (i, j) += the products of 16 pairs: row i of `Left` by column j of `Right`.
  template <int Sum, int Left, int Right>
  [[gnu::always_inline]] void add_products() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(Sum), "i"(Left), "i"(Right));
  }
};

}  // namespace wick::cpu
