// SPDX-License-Identifier: MIT
// Blocks of attention scores: masks, the softmax as far as it goes (Milakov and Gimelshein 2018),
// and its gradient.
#pragma once

#include "kernels/cpu/simd/attention_table.h"
#include "kernels/cpu/simd/formula_lanes.h"

namespace wick::cpu {

template <typename T, typename Isa>
inline constexpr T kHidden = -static_cast<T>(__builtin_inf());

/// exp(x) for x <= 0; of -inf it is 0.
template <typename T, typename Isa>
[[gnu::always_inline]] inline typename Math<T, Isa>::V exp_of_difference(
    typename Math<T, Isa>::V x) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return Math<T, Isa>::exp_nonpositive_or_zero(x);
  } else {
    return Math<T, Isa>::exp_nonpositive(x);
  }
}
template <typename T, typename Isa>
[[gnu::always_inline]] inline T exp_of_number(T x) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return exp_of_difference<T, Isa>(broadcast<T, Isa>(x))[0];
  } else {
    return exp_of_difference<T, Isa>(x);
  }
}

/// The scores of a row with scale and masks.
template <typename T, typename Isa>
[[gnu::always_inline]] inline void mask_row(const AttentionBlock<T>& block, std::int64_t r,
                                            T* row) {
  const std::int64_t cols = block.cols;
  for (std::int64_t j = 0; j < cols; ++j) row[j] *= block.scale;
  for (const auto& mask : block.masks) {
    if (mask.data == nullptr) continue;
    if (mask.kind == MaskKind::added) {
      const auto* const added = static_cast<const T*>(mask.data) + r * mask.query;
      for (std::int64_t j = 0; j < cols; ++j) row[j] += added[j * mask.key];
    } else {
      const bool shows = mask.kind == MaskKind::shows;
      const auto* const marks = static_cast<const unsigned char*>(mask.data) + r * mask.query;
      for (std::int64_t j = 0; j < cols; ++j) {
        row[j] = (marks[j * mask.key] != 0) == shows ? row[j] : kHidden<T, Isa>;
      }
    }
  }
  const std::int64_t visible = block.visible + r;
  for (std::int64_t j = visible < 0 ? 0 : visible; j < cols; ++j) row[j] = kHidden<T, Isa>;
}

template <typename T, typename Isa>
[[gnu::always_inline]] inline T largest_of(const T* row, std::int64_t count, T start) {
  T result = start;
  std::int64_t j = 0;
  if constexpr (sizeof(T) == sizeof(float)) {
    constexpr int kWide = kLanes<T, Isa>;
    if (count >= kWide) {
      Vector<T, Isa> all = load<T, Isa>(row);
      for (j = kWide; j + kWide <= count; j += kWide) {
        all = larger<T, Isa>(load<T, Isa>(row + j), all);
      }
      for (int k = 0; k < kWide; ++k) result = all[k] > result ? all[k] : result;
    }
  }
  for (; j < count; ++j) result = row[j] > result ? row[j] : result;
  return result;
}

/// row = exp(row - shift); returns the sum.
template <typename T, typename Isa>
[[gnu::always_inline]] inline T exponentials(T* row, std::int64_t count, T shift) {
  using Lanes = FormulaLanes<T, Isa>;
  using V = typename Lanes::V;
  V sums{};
  T rest{0};
  Lanes::for_all(
      count, [&]<bool Whole>(std::int64_t j, int some) __attribute__((always_inline)) {
        const V x = Lanes::template load<Whole>(row + j, some);
        const V y = exp_of_difference<T, Isa>(x - shift);
        Lanes::template store<Whole>(row + j, y, some);
        if constexpr (Whole) {
          sums += y;
        } else {
          for (int k = 0; k < some; ++k) rest += row[j + k];
        }
      });
  if constexpr (Lanes::kVectors) {
    const auto add = [](auto a, auto b) __attribute__((always_inline)) {
      return a + b;
    };
    return reduce<T, Isa>(sums, add) + rest;
  } else {
    return sums;
  }
}

template <typename T, typename Isa>
[[gnu::always_inline]] inline void drop_row(const AttentionBlock<T>& block, std::int64_t r,
                                            T* row) {
  if (block.kept == nullptr) return;
  const unsigned char* const kept = block.kept + r * block.kept_stride;
  for (std::int64_t j = 0; j < block.cols; ++j) {
    row[j] = kept[j] != 0 ? row[j] * block.kept_scale : T{0};
  }
}

template <typename T, typename Isa>
void attention(const AttentionTask<T>& task) {
  const AttentionBlock<T>& block = task.block;
  for (std::int64_t r = 0; r < block.rows; ++r) {
    T* const row = block.scores + r * block.stride;
    mask_row<T, Isa>(block, r, row);
    const T before = task.maxima[r];
    const T largest = largest_of<T, Isa>(row, block.cols, before);
    // Where nothing is seen yet, nothing is to be taken off.
    const T shift = largest == kHidden<T, Isa> ? T{0} : largest;
    const T sum = exponentials<T, Isa>(row, block.cols, shift);
    const T correction = before == largest ? T{1} : exp_of_number<T, Isa>(before - shift);
    task.maxima[r] = largest;
    task.sums[r] = task.sums[r] * correction + sum;
    if (correction != T{1}) {
      T* const acc = task.acc + r * task.acc_stride;
      for (std::int64_t c = 0; c < task.acc_cols; ++c) acc[c] *= correction;
    }
    drop_row<T, Isa>(block, r, row);
  }
}

template <typename T, typename Isa>
void attention_grad(const AttentionGradTask<T>& task) {
  const AttentionBlock<T>& block = task.block;
  for (std::int64_t r = 0; r < block.rows; ++r) {
    T* const row = block.scores + r * block.stride;
    T* const grads = task.grads + r * block.stride;
    mask_row<T, Isa>(block, r, row);
    const T log_sum = task.log_sums[r];
    static_cast<void>(
        exponentials<T, Isa>(row, block.cols, log_sum == kHidden<T, Isa> ? T{0} : log_sum));
    drop_row<T, Isa>(block, r, grads);  // from those by what dropout has made of probabilities
    const T delta = task.deltas[r];
    for (std::int64_t j = 0; j < block.cols; ++j) {
      grads[j] = row[j] * (grads[j] - delta) * block.scale;
    }
    drop_row<T, Isa>(block, r, row);
  }
}

}  // namespace wick::cpu
