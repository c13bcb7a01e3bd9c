// SPDX-License-Identifier: MIT
// Softmax cross-entropy with its gradient. With p = softmax(x), weights w, target y, C classes and
// label smoothing e, as torch.nn.functional.cross_entropy:
//   loss = (1 - e) w_y (-log p_y) + e / C sum_c w_c (-log p_c)
//   d loss / d x_c = p_c ((1 - e) w_y + e / C sum_k w_k) - [c = y] (1 - e) w_y - e / C w_c
// and in the mean both are divided by the sum of w_y over the rows that are not ignored; the two
// parts of the loss each by themselves, so that a sum of zero gives the NaN that it gives there. A
// row's maximum is taken off before exp, so that nothing overflows.
#pragma once

#include "kernels/cpu/simd/rows_table.h"
#include "kernels/cpu/simd/unroll.h"
#include "kernels/cpu/simd/vector_lanes.h"

namespace wick::cpu {

template <typename T>
[[gnu::always_inline]] inline T natural_log(T value) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return __builtin_logf(value);
  } else {
    return __builtin_log(value);
  }
}

/// The first `count` lanes of `value`, the others `other`.
template <typename T, typename Isa>
[[gnu::always_inline]] inline Vector<T, Isa> first_lanes(Vector<T, Isa> value, int count, T other) {
  static constexpr T kNumbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const Vector<T, Isa> number = load<T, Isa>(kNumbers);
  return number < broadcast<T, Isa>(static_cast<T>(count)) ? value : broadcast<T, Isa>(other);
}

template <typename T, typename Isa>
[[gnu::always_inline]] inline T row_maximum(const T* x, std::int64_t count) {
  using V = Vector<T, Isa>;
  constexpr int kWide = kLanes<T, Isa>;
  constexpr int kChains = 4;  // that do not wait for each other
  V largest[kChains];
  for (V& each : largest) each = broadcast<T, Isa>(x[0]);
  std::int64_t i = 0;
  for (; i + kChains * kWide <= count; i += kChains * kWide) {
    unroll<kChains>([&](auto k) __attribute__((always_inline)) {
      largest[k] = larger<T, Isa>(load<T, Isa>(x + i + k * kWide), largest[k]);
    });
  }
  for (; i + kWide <= count; i += kWide) {
    largest[0] = larger<T, Isa>(load<T, Isa>(x + i), largest[0]);
  }
  if (i < count) {
    const int rest = static_cast<int>(count - i);
    largest[1] = larger<T, Isa>(first_lanes<T, Isa>(load_first<T, Isa>(x + i, rest), rest, x[0]),
                                largest[1]);
  }
  const V both = larger<T, Isa>(larger<T, Isa>(largest[0], largest[1]),
                                larger<T, Isa>(largest[2], largest[3]));
  return reduce<T, Isa>(both, [](auto a, auto b) { return a > b ? a : b; });
}

/// out[i] = exp(x[i] - shift); returns the sum. `out` may be null. It also prefetches what is read
/// next, `ahead` elements on: between two rows, the processor does not foresee it.
template <typename T, typename Isa>
[[gnu::always_inline]] inline T exp_row(const T* x, T shift, T* out, std::int64_t count,
                                        std::int64_t ahead = 0) {
  if constexpr (sizeof(T) == sizeof(float)) {
    using V = Vector<float, Isa>;
    constexpr int kWide = kLanes<float, Isa>;
    V sums{};
    std::int64_t i = 0;
    for (; i + kWide <= count; i += kWide) {
      if (ahead != 0 && (kWide >= 16 || i % 16 == 0)) {  // a line of the cache
        __builtin_prefetch(x + ahead + i);
      }
      const V value = Math<float, Isa>::exp_nonpositive_or_zero(load<float, Isa>(x + i) - shift);
      sums += value;
      if (out != nullptr) store<float, Isa>(out + i, value);
    }
    if (i < count) {
      const int rest = static_cast<int>(count - i);
      const V value =
          Math<float, Isa>::exp_nonpositive_or_zero(load_first<float, Isa>(x + i, rest) - shift);
      sums += first_lanes<float, Isa>(value, rest, 0.0F);
      if (out != nullptr) store_first<float, Isa>(out + i, value, rest);
    }
    return reduce<float, Isa>(sums, [](auto a, auto b) { return a + b; });
  } else {
    T total{0};
    for (std::int64_t i = 0; i < count; ++i) {
      const T value = __builtin_exp(x[i] - shift);
      total += value;
      if (out != nullptr) out[i] = value;
    }
    return total;
  }
}

/// What the sum of the losses is divided by.
template <typename T>
[[gnu::always_inline]] inline double target_weights(const CrossEntropyTask<T>& task) {
  if (!task.mean) return 1.0;
  double sum = 0.0;
  for (std::int64_t r = 0; r < task.rows; ++r) {
    const std::int64_t target = task.targets[r];
    if (target == task.ignore_index) continue;
    sum += task.class_weights != nullptr ? static_cast<double>(task.class_weights[target]) : 1.0;
  }
  return sum;
}

template <typename T, typename Isa>
void nll_loss(const CrossEntropyTask<T>& task) {
  const double divisor = target_weights(task);
  const T scale = static_cast<T>(1.0 / divisor);
  double total = 0.0;
  for (std::int64_t r = 0; r < task.rows; ++r) {
    const std::int64_t target = task.targets[r];
    const bool ignored = target == task.ignore_index;
    if (task.grad != nullptr) {
      T* const grad = task.grad + r * task.grad_stride;
      for (std::int64_t c = 0; c < task.classes; ++c) grad[c] = T{0};
    }
    T loss{0};
    if (!ignored) {
      const T weight = task.class_weights == nullptr ? T{1} : task.class_weights[target];
      loss = -weight * task.logits[r * task.row_stride + target];
      if (task.grad != nullptr) task.grad[r * task.grad_stride + target] = -weight * scale;
      total += static_cast<double>(loss);
    }
    if (task.losses != nullptr) task.losses[r] = loss;
  }
  *task.loss = static_cast<T>(total / divisor);
}

template <typename T, typename Isa>
void cross_entropy(const CrossEntropyTask<T>& task) {
  const std::int64_t classes = task.classes;
  const T* const weights = task.class_weights;
  const T smooth = static_cast<T>(task.label_smoothing / static_cast<double>(classes));
  const T hard = static_cast<T>(1.0 - task.label_smoothing);
  T all_weights = static_cast<T>(classes);
  if (weights != nullptr) {
    all_weights = T{0};
    for (std::int64_t c = 0; c < classes; ++c) all_weights += weights[c];
  }
  const double divisor = target_weights(task);
  // PyTorch's infinite gradients of both parts and all classes meet in the softmax's.
  const bool undefined = divisor == 0.0 && smooth != T{0};
  const T scale = static_cast<T>(undefined ? __builtin_nan("") : 1.0 / divisor);
  double hard_total = 0.0;
  double smooth_total = 0.0;
  for (std::int64_t r = 0; r < task.rows; ++r) {
    const T* const x = task.logits + r * task.row_stride;
    T* const grad = task.grad == nullptr ? nullptr : task.grad + r * task.grad_stride;
    const std::int64_t target = task.targets[r];
    if (target == task.ignore_index) {
      if (task.losses != nullptr) task.losses[r] = T{0};
      for (std::int64_t c = 0; grad != nullptr && c < classes; ++c) grad[c] = T{0};
      continue;
    }
    const T largest = row_maximum<T, Isa>(x, classes);
    const T sum = exp_row<T, Isa>(x, largest, grad, classes);
    const T log_sum = natural_log(sum) + largest;
    const T target_weight = weights == nullptr ? T{1} : weights[target];
    const T hard_loss = hard * target_weight * (log_sum - x[target]);
    hard_total += static_cast<double>(hard_loss);
    if (task.losses != nullptr) task.losses[r] = hard_loss;
    if (smooth != T{0}) {
      T smooth_loss{0};
      for (std::int64_t c = 0; c < classes; ++c) {
        smooth_loss += (weights == nullptr ? T{1} : weights[c]) * (log_sum - x[c]);
      }
      smooth_total += static_cast<double>(smooth * smooth_loss);
      if (task.losses != nullptr) task.losses[r] += smooth * smooth_loss;
    }
    if (grad == nullptr) continue;
    const T factor = scale * (hard * target_weight + smooth * all_weights) / sum;
    for (std::int64_t c = 0; c < classes; ++c) grad[c] *= factor;
    grad[target] -= scale * hard * target_weight;
    if (smooth != T{0}) {
      for (std::int64_t c = 0; c < classes; ++c) {
        grad[c] -= scale * smooth * (weights == nullptr ? T{1} : weights[c]);
      }
    }
  }
  double loss = hard_total / divisor;
  if (smooth != T{0}) loss += smooth_total / divisor;
  *task.loss = static_cast<T>(loss);
}

}  // namespace wick::cpu
