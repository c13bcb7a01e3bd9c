// SPDX-License-Identifier: MIT
// What a product costs by each method, in cycles: a model of what the processor has to do, whose
// constants were fitted to measured products of random shapes. plan_matmul() takes the cheapest. It
// depends on the shape, on how the elements lie and on the instruction set, and on nothing else,
// since the method decides in which order sums are added up.
#pragma once

#include "kernels/cpu/simd/matmul_inner.h"
#include "kernels/cpu/simd/matmul_outer.h"

namespace wick::cpu {

// Of all processors for which there are vectors of this size: two multiply-adds and two loads begin
// in a cycle, and a sum waits four cycles for its last addition.
inline constexpr double kProductsPerCycle = 2;
inline constexpr double kLoadsPerCycle = 2;
inline constexpr double kSumLatency = 4;
// A vector of the second-level cache's.
inline constexpr double kFarVectorCycles = 1;
// Of a matrix that is in the nearest cache whenever it is read again.
inline constexpr std::int64_t kNearestElements = 5 << 10;
// Around a tile: its call, and its sums on their way to C, each.
inline constexpr double kTileCycles = 14;
inline constexpr double kStoreCycles = 1.5;
// An element of a matrix that is transposed, and a sum that is on its way to C.
inline constexpr double kTransposeCycles = 0.55;
inline constexpr double kTransposedSumCycles = 0.8;
// Around a tile of inner products: its sums are added across.
inline constexpr double kInnerCycles = 40;
// A step takes longer by so much where the smaller matrix is not in the nearest cache.
inline constexpr double kFarInner = 1.7;

[[gnu::always_inline]] constexpr double larger_of(double a, double b) {
  return a > b ? a : b;
}

// One step of k of a tile of so many rows and vectors.
[[gnu::always_inline]] constexpr double step_cycles(int rows, int vectors, bool far) {
  const double products = rows * vectors / kProductsPerCycle;
  const double loads = (rows + vectors) / kLoadsPerCycle;
  const double reads = far ? vectors * kFarVectorCycles : 0;
  return larger_of(larger_of(products, loads), larger_of(kSumLatency, reads));
}

// C (rows, cols) by outer products in panels of at most so many vectors.
template <typename T, typename Isa>
double outer_cycles(std::int64_t rows, std::int64_t cols, std::int64_t depth, int vectors,
                    bool transpose_c) {
  constexpr std::int64_t kWide = kLanes<T, Isa>;
  const Division panels = divide((cols + kWide - 1) / kWide, vectors);
  const Division tiles = divide(rows, tile_rows_of<T, Isa>(size_of_part(panels, 0), transpose_c));
  double cycles = 0;
  for (int v = 0; v < 2; ++v) {
    const auto panel_count =
        static_cast<double>(v == 1 ? panels.large : panels.parts - panels.large);
    for (int r = 0; r < 2; ++r) {
      const auto tile_count = static_cast<double>(r == 1 ? tiles.large : tiles.parts - tiles.large);
      if (panel_count == 0 || tile_count == 0) continue;
      const int height = tiles.small + r;
      const int width = panels.small + v;
      const double step = step_cycles(height, width, cols * depth > kNearestElements);
      cycles += panel_count * tile_count *
                (static_cast<double>(depth) * step + kTileCycles + kStoreCycles * height * width);
    }
  }
  return cycles;
}

struct OuterChoice {
  int vectors;
  double cycles;
};

// The best panels; of a C that is transposed, from its first row on. Single vectors are for a C
// that is no wider, the widest panels for few rows.
template <typename T, typename Isa>
OuterChoice choose_panels(std::int64_t rows, std::int64_t cols, std::int64_t depth,
                          bool transpose_c) {
  constexpr int kTall = kTileVectors<Isa> < kMostVectors ? kTileVectors<Isa> + 1 : kMostVectors;
  const int widest = rows > tile_rows<Isa>(2) ? kTall : kMostVectors;
  const int most = transpose_c ? kTransposedVectors : widest;
  OuterChoice best{};
  int vectors = cols > kLanes<T, Isa> ? 2 : 1;
  const int first = vectors;
  do {
    const double cycles = outer_cycles<T, Isa>(rows, cols, depth, vectors, transpose_c);
    if (vectors == first || cycles < best.cycles) best = {vectors, cycles};
    ++vectors;
  } while (vectors <= most && (vectors - 1) * kLanes<T, Isa> < cols);
  return best;
}

// Below so many multiply-adds, to weigh panels against each other takes longer than it saves.
inline constexpr double kChoiceWork = 100'000;

// Roughly, and at once: the widest panel that leaves rows enough.
template <typename T, typename Isa>
OuterChoice guess_panels(std::int64_t rows, std::int64_t cols, std::int64_t depth,
                         bool transpose_c) {
  constexpr std::int64_t kWide = kLanes<T, Isa>;
  const auto across = static_cast<int>((cols + kWide - 1) / kWide);
  int vectors = transpose_c ? kTransposedVectors : kMostVectors;
  if (across < vectors) vectors = across > 0 ? across : 1;
  while (vectors > 1 && tile_rows_of<T, Isa>(vectors, transpose_c) < 4 &&
         tile_rows_of<T, Isa>(vectors, transpose_c) < rows) {
    --vectors;
  }
  const int height = tile_rows_of<T, Isa>(vectors, transpose_c);
  const double sums = static_cast<double>(rows) * static_cast<double>(across);
  const double tiles = sums / (height * vectors);
  const double step = step_cycles(rows < height ? static_cast<int>(rows) : height, vectors, false);
  const double steps = tiles < 1 ? 1 : tiles;
  return {vectors, steps * (step * static_cast<double>(depth) + kTileCycles) + kStoreCycles * sums};
}

// C (rows, cols) of sums along k in both matrices.
template <typename T, typename Isa>
double inner_cycles(std::int64_t rows, std::int64_t cols, std::int64_t depth) {
  constexpr int kWide = kLanes<T, Isa>;
  const bool far = least(rows, cols) * depth > kNearestElements;
  const auto steps = static_cast<double>((depth + kWide - 1) / kWide) * (far ? kFarInner : 1);
  const auto band = [&](int height, std::int64_t count) {
    if (count == 0) return 0.0;
    const int width = inner_tile_cols<T, Isa>(height);
    const double tiles =
        static_cast<double>(count) * static_cast<double>((cols + width - 1) / width);
    return tiles * (steps * step_cycles(height, width, false) + kInnerCycles);
  };
  const auto rest = static_cast<int>(rows % kInnerTileRows);
  return band(kInnerTileRows, rows / kInnerTileRows) + (rest > 0 ? band(rest, 1) : 0);
}

}  // namespace wick::cpu
