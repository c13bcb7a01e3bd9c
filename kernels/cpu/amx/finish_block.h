// SPDX-License-Identifier: MIT
// What happens to a finished block of sums, 32 by 32, on its way to C.
#pragma once

#include "kernels/cpu/amx/pack_pairs.h"

namespace wick::cpu {

/// Vectors of float32 or, `Narrow`, of bfloat16.
template <typename Isa, bool Narrow>
struct ResultMemory {
  using V = Vector<float, Isa>;
  using Element = std::conditional_t<Narrow, std::uint16_t, float>;
  static constexpr int kWide = kLanes<float, Isa>;

  [[gnu::always_inline]] static V get(const Element* from, int count) {
    if constexpr (Narrow) {
      return count == kWide ? widen<Isa>(load_bits16<Isa>(from)) : widen_first<Isa>(from, count);
    } else {
      return count == kWide ? load<float, Isa>(from) : load_first<float, Isa>(from, count);
    }
  }
  [[gnu::always_inline]] static void put(Element* to, V value, int count) {
    if constexpr (Narrow) {
      if (count == kWide) {
        store<std::uint16_t, HalfIsa<Isa>>(to, round_to_bfloat16<Isa>(value));
      } else {
        round_first<Isa>(to, value, count);
      }
    } else {
      count == kWide ? store<float, Isa>(to, value) : store_first<float, Isa>(to, value, count);
    }
  }
};

// Rows [m, m + rows) and columns [n, n + cols) of C.
template <typename Isa, bool Narrow>
void finish_rows(const PairsTask& task, const float* sums, std::int64_t m, std::int64_t rows,
                 std::int64_t n, std::int64_t cols) {
  using Memory = ResultMemory<Isa, Narrow>;
  using Element = typename Memory::Element;
  using V = typename Memory::V;
  constexpr std::int64_t kWide = Memory::kWide;
  const auto* const bias = static_cast<const Element*>(task.bias);
  const V zero{};
  const bool plain = !task.accumulate && bias == nullptr && !task.relu && task.relu_mask == nullptr;
  if (plain && cols == kStripRows) {
    Element* c = static_cast<Element*>(task.c) + m * task.c_row + n;
    for (std::int64_t r = 0; r < rows; ++r, sums += kStripRows, c += task.c_row) {
      unroll<kStripRows / kWide>(
          [&](auto i) { Memory::put(c + i * kWide, load<float, Isa>(sums + i * kWide), kWide); });
    }
    return;
  }
  for (std::int64_t r = 0; r < rows; ++r, sums += kStripRows) {
    Element* const c = static_cast<Element*>(task.c) + (m + r) * task.c_row + n;
    const auto* mask = static_cast<const Element*>(task.relu_mask);
    if (mask != nullptr) mask += (m + r) * task.mask_row + n;
    for (std::int64_t i = 0; i < cols; i += kWide) {
      const int count = static_cast<int>(at_most(cols - i, kWide));
      V value = load<float, Isa>(sums + i);
      if (task.accumulate) value += Memory::get(c + i, count);
      if (bias != nullptr) value += Memory::get(bias + n + i, count);
      // Written so that NaN passes.
      if (task.relu) value = value < zero ? zero : value;
      if (mask != nullptr) value = Memory::get(mask + i, count) <= zero ? zero : value;
      Memory::put(c + i, value, count);
    }
  }
}

// A block changes its rows for its columns.
template <typename Isa>
void transpose_block(const float* from, float* to) {
  constexpr int kWide = kLanes<float, Isa>;
  for (std::int64_t r = 0; r < kStripRows; r += kWide) {
    for (std::int64_t c = 0; c < kStripRows; c += kWide) {
      Vector<float, Isa> tile[kWide];
      unroll<kWide>([&](auto i) { tile[i] = load<float, Isa>(from + (r + i) * kStripRows + c); });
      transpose_tile<float, Isa>(tile);
      unroll<kWide>([&](auto i) { store<float, Isa>(to + (c + i) * kStripRows + r, tile[i]); });
    }
  }
}

/// The block of left rows [i, i + rows) and right rows [j, j + cols), at most 32 of each. What lies
/// in `sums` beyond them may be anything.
template <typename Isa>
void finish_block(const PairsTask& task, const float* sums, std::int64_t i, std::int64_t rows,
                  std::int64_t j, std::int64_t cols) {
  alignas(64) float turned[kStripRows * kStripRows];
  if (task.transpose_c) {
    transpose_block<Isa>(sums, turned);
    sums = turned;
  }
  const std::int64_t m = task.transpose_c ? j : i;
  const std::int64_t n = task.transpose_c ? i : j;
  const std::int64_t c_rows = task.transpose_c ? cols : rows;
  const std::int64_t c_cols = task.transpose_c ? rows : cols;
  if (task.narrow) {
    finish_rows<Isa, true>(task, sums, m, c_rows, n, c_cols);
  } else {
    finish_rows<Isa, false>(task, sums, m, c_rows, n, c_cols);
  }
}

}  // namespace wick::cpu
