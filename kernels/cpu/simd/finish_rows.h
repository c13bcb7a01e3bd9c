// SPDX-License-Identifier: MIT
// What happens to finished sums of a product of bfloat16 on their way to C.
#pragma once

#include <type_traits>

#include "kernels/cpu/amx/pairs_table.h"
#include "kernels/cpu/simd/convert.h"

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

template <typename Isa, bool Narrow>
void finish_rows_as(const PairsTask& task, const float* sums, std::int64_t sums_row, std::int64_t m,
                    std::int64_t rows, std::int64_t n, std::int64_t cols) {
  using Memory = ResultMemory<Isa, Narrow>;
  using Element = typename Memory::Element;
  using V = typename Memory::V;
  constexpr std::int64_t kWide = Memory::kWide;
  const auto* const bias = static_cast<const Element*>(task.bias);
  const V zero{};
  const bool plain = !task.accumulate && bias == nullptr && !task.relu && task.relu_mask == nullptr;
  if (plain && cols % kWide == 0) {
    Element* c = static_cast<Element*>(task.c) + m * task.c_row + n;
    for (std::int64_t r = 0; r < rows; ++r, sums += sums_row, c += task.c_row) {
      for (std::int64_t i = 0; i < cols; i += kWide) {
        Memory::put(c + i, load<float, Isa>(sums + i), kWide);
      }
    }
    return;
  }
  for (std::int64_t r = 0; r < rows; ++r, sums += sums_row) {
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

/// See ConvertTable::finish_rows.
template <typename Isa>
void finish_rows(const PairsTask& task, const float* sums, std::int64_t sums_row, std::int64_t m,
                 std::int64_t rows, std::int64_t n, std::int64_t cols) {
  if (task.narrow) {
    finish_rows_as<Isa, true>(task, sums, sums_row, m, rows, n, cols);
  } else {
    finish_rows_as<Isa, false>(task, sums, sums_row, m, rows, n, cols);
  }
}

}  // namespace wick::cpu
