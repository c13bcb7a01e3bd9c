// SPDX-License-Identifier: MIT
// Operands in the order in which instructions on pairs read them. A step is 32 values of k, a strip
// 32 rows of an operand: two tiles of 16 rows. For each step a strip has two tiles of 1 KB:
// - of the left operand, tile row i holds row i's 32 values of k;
// - of the right operand, tile row p holds the values 2p and 2p + 1 of rows 0, 1, ... 15, in turns.
// A pair is 32 bits, and the one tile is the other one transposed. What an operand lacks is zero.
#pragma once

#include "kernels/cpu/amx/pairs_table.h"
#include "kernels/cpu/simd/convert.h"
#include "kernels/cpu/simd/transpose.h"

namespace wick::cpu {

inline constexpr std::int64_t kTileRows = 16;
inline constexpr std::int64_t kStepDepth = 32;
inline constexpr std::int64_t kStripRows = 32;
inline constexpr std::int64_t kTileElements = kTileRows * kStepDepth;
inline constexpr std::int64_t kStepElements = 2 * kTileElements;

enum class Side { left, right };

// Vectors of pairs. Nothing is computed with them: they are floats for transpose_tile().
template <typename Isa>
[[gnu::always_inline]] inline Vector<float, Isa> load_pairs(const std::uint16_t* from) {
  return reinterpret_cast<Vector<float, Isa>>(load<std::uint16_t, Isa>(from));
}
template <typename Isa>
[[gnu::always_inline]] inline void store_pairs(std::uint16_t* to, Vector<float, Isa> pairs) {
  store<std::uint16_t, Isa>(to, reinterpret_cast<Vector<std::uint16_t, Isa>>(pairs));
}

template <typename Isa>
[[gnu::always_inline]] inline void copy_row(const std::uint16_t* from, std::uint16_t* to) {
  constexpr int kWide = kLanes<std::uint16_t, Isa>;
  unroll<kStepDepth / kWide>([&](auto i) {
    store<std::uint16_t, Isa>(to + i * kWide, load<std::uint16_t, Isa>(from + i * kWide));
  });
}

template <typename Isa>
[[gnu::always_inline]] inline void copy_tile(const std::uint16_t* from, std::int64_t stride,
                                             std::uint16_t* to) {
  unroll<kTileRows>([&](auto r) { copy_row<Isa>(from + r * stride, to + r * kStepDepth); });
}

template <typename Isa>
void transpose_pairs(const std::uint16_t* from, std::int64_t stride, std::uint16_t* to) {
  constexpr int kWide = kLanes<float, Isa>;
  for (std::int64_t r = 0; r < kTileRows; r += kWide) {
    for (std::int64_t c = 0; c < kTileRows; c += kWide) {
      Vector<float, Isa> tile[kWide];
      unroll<kWide>([&](auto i) { tile[i] = load_pairs<Isa>(from + (r + i) * stride + 2 * c); });
      transpose_tile<float, Isa>(tile);
      unroll<kWide>([&](auto i) { store_pairs<Isa>(to + (c + i) * kStepDepth + 2 * r, tile[i]); });
    }
  }
}

// 16 elements of two neighbouring rows k become pairs.
template <typename Isa>
[[gnu::always_inline]] inline void interleave(const std::uint16_t* even, const std::uint16_t* odd,
                                              std::uint16_t* to) {
  constexpr int kWide = kLanes<float, Isa>;
  unroll<kTileRows / kWide>([&](auto i) {
    const auto low = __builtin_convertvector(load_bits16<Isa>(even + i * kWide), Bits32<Isa>);
    const auto high = __builtin_convertvector(load_bits16<Isa>(odd + i * kWide), Bits32<Isa>);
    store_pairs<Isa>(to + 2 * i * kWide, reinterpret_cast<Vector<float, Isa>>(low | high << 16));
  });
}

// 32 rows k of `Tiles` times 16 elements become tiles of pairs of neighbouring rows. Row by row,
// whole lines of the cache: of rows that lie far apart it does not hold many.
template <typename Isa, int Tiles>
[[gnu::always_inline]] inline void interleave_rows(const std::uint16_t* from, std::int64_t stride,
                                                   std::uint16_t* to) {
  for (std::int64_t p = 0; p < kTileRows; ++p, from += 2 * stride, to += kStepDepth) {
    unroll<Tiles>([&](auto t) {
      interleave<Isa>(from + t * kTileRows, from + stride + t * kTileRows, to + t * kTileElements);
    });
  }
}

/// A whole tile, from its first element on.
template <typename Isa, Side kSide>
void pack_whole_tile(const std::uint16_t* from, std::int64_t stride, bool along_k,
                     std::uint16_t* to) {
  if (along_k) {
    kSide == Side::left ? copy_tile<Isa>(from, stride, to) : transpose_pairs<Isa>(from, stride, to);
  } else if (kSide == Side::right) {
    interleave_rows<Isa, 1>(from, stride, to);
  } else {
    alignas(64) std::uint16_t pairs[kTileElements];
    interleave_rows<Isa, 1>(from, stride, pairs);
    transpose_pairs<Isa>(pairs, kStepDepth, to);
  }
}

// Of more elements than a vector has, the last vector overlaps the one before.
template <typename Isa>
[[gnu::always_inline]] inline void copy_run(const std::uint16_t* from, std::uint16_t* to,
                                            std::int64_t count) {
  constexpr int kWide = kLanes<std::uint16_t, Isa>;
  if (count < kWide) {
    copy_overlapping<std::uint16_t, Isa, kWide / 2>(from, to, static_cast<int>(count));
    return;
  }
  for (std::int64_t i = 0; i + kWide <= count; i += kWide) {
    store<std::uint16_t, Isa>(to + i, load<std::uint16_t, Isa>(from + i));
  }
  store<std::uint16_t, Isa>(to + count - kWide, load<std::uint16_t, Isa>(from + count - kWide));
}

/// A tile of at most 16 rows and 32 values of k.
template <typename Isa, Side kSide>
void pack_tile(const PairsOperand& operand, std::int64_t row, std::int64_t rows, std::int64_t k,
               std::int64_t depth, std::uint16_t* to) {
  const std::uint16_t* from = operand.at(row, k);
  if (rows >= kTileRows && depth >= kStepDepth) {
    return pack_whole_tile<Isa, kSide>(from, operand.stride, operand.along_k, to);
  }
  alignas(64) std::uint16_t whole[kTileElements] = {};
  const std::int64_t run = operand.along_k ? at_most(depth, kStepDepth) : at_most(rows, kTileRows);
  const std::int64_t runs = operand.along_k ? at_most(rows, kTileRows) : at_most(depth, kStepDepth);
  const std::int64_t stride = operand.along_k ? kStepDepth : kTileRows;
  for (std::int64_t i = 0; i < runs; ++i, from += operand.stride) {
    std::uint16_t* const padded = whole + i * stride;
    copy_run<Isa>(from, padded, run);
  }
  pack_whole_tile<Isa, kSide>(whole, stride, operand.along_k, to);
}

/// One step of a strip of at most 32 rows.
template <typename Isa, Side kSide>
[[gnu::always_inline]] inline void pack_step(const PairsOperand& operand, std::int64_t row,
                                             std::int64_t rows, std::int64_t k, std::int64_t depth,
                                             std::uint16_t* to) {
  if (!operand.along_k && rows >= kStripRows && depth >= kStepDepth) {
    if constexpr (kSide == Side::right) {
      interleave_rows<Isa, 2>(operand.at(row, k), operand.stride, to);
    } else {
      alignas(64) std::uint16_t pairs[kStepElements];
      interleave_rows<Isa, 2>(operand.at(row, k), operand.stride, pairs);
      transpose_pairs<Isa>(pairs, kStepDepth, to);
      transpose_pairs<Isa>(pairs + kTileElements, kStepDepth, to + kTileElements);
    }
    return;
  }
  pack_tile<Isa, kSide>(operand, row, rows, k, depth, to);
  if (rows > kTileRows) {
    pack_tile<Isa, kSide>(operand, row + kTileRows, rows - kTileRows, k, depth, to + kTileElements);
  }
}

// Whole steps of rows that lie along k, for the left side: some steps of each row at a time, as
// memory has them.
template <typename Isa>
void copy_steps(const std::uint16_t* from, std::int64_t stride, std::int64_t rows,
                std::int64_t steps, std::uint16_t* to) {
  constexpr std::int64_t kRun = 8;
  for (std::int64_t s = 0; s < steps; s += kRun) {
    const std::int64_t run = at_most(steps - s, kRun);
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::uint16_t* const row = from + r * stride + s * kStepDepth;
      std::uint16_t* const tile_row = to + s * kStepElements + r * kStepDepth;
      for (std::int64_t i = 0; i < run; ++i) {
        copy_row<Isa>(row + i * kStepDepth, tile_row + i * kStepElements);
      }
    }
  }
}

/// Rows [row, row + rows) by values of k [k, k + depth): strip after strip, each with its steps one
/// behind the other.
template <typename Isa, Side kSide>
void pack_strips(const PairsOperand& operand, std::int64_t row, std::int64_t rows, std::int64_t k,
                 std::int64_t depth, std::uint16_t* to) {
  const std::int64_t steps = ceil_divide(depth, kStepDepth);
  const std::int64_t strips = ceil_divide(rows, kStripRows);
  std::int64_t done = 0;
  if (kSide == Side::left && operand.along_k && (rows == kTileRows || rows == kStripRows)) {
    done = depth / kStepDepth;
    copy_steps<Isa>(operand.at(row, k), operand.stride, rows, done, to);
  }
  // In the order of memory.
  for (std::int64_t i = done; i < strips * steps; ++i) {
    const std::int64_t strip = operand.along_k ? i / steps : i % strips;
    const std::int64_t step = operand.along_k ? i % steps : i / strips;
    pack_step<Isa, kSide>(operand, row + strip * kStripRows,
                          at_most(rows - strip * kStripRows, kStripRows), k + step * kStepDepth,
                          depth - step * kStepDepth, to + (strip * steps + step) * kStepElements);
  }
}

}  // namespace wick::cpu
