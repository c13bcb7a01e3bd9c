// SPDX-License-Identifier: MIT
// The softmax and its logarithm along the middle dimension of (outer, size, inner), and their
// gradients: with g the gradient by y, y (g - sum(g y)) for the softmax, and g - exp(y) sum(g) for
// the logarithm. The maximum is taken off before exp, so that nothing overflows.
//
// Where inner is 1, vectors go along the rows; else across them.
#pragma once

#include "kernels/cpu/simd/cross_entropy.h"
#include "kernels/cpu/simd/for_vectors.h"

namespace wick::cpu {

/// `ahead`: from this row to the next one, 0 for none.
template <typename Isa>
[[gnu::always_inline]] inline void softmax_row(const float* x, float* y, std::int64_t size,
                                               bool log, std::int64_t ahead) {
  using V = Vector<float, Isa>;
  const float largest = row_maximum<float, Isa>(x, size);
  const float sum = exp_row<float, Isa>(x, largest, log ? nullptr : y, size, ahead);
  const V shift = broadcast<float, Isa>(log ? natural_log(sum) : 0.0F);
  const V factor = broadcast<float, Isa>(1.0F / sum);
  for_vectors<float, Isa>(
      size, [&]<bool Whole>(std::int64_t i, int count) __attribute__((always_inline)) {
        if (ahead != 0 && (kLanes<float, Isa> >= 16 || i % 16 == 0)) {
          __builtin_prefetch(y + ahead + i, 1);
        }
        if (log) {
          const V value = load_some<float, Isa, Whole>(x + i, count);
          store_some<float, Isa, Whole>(y + i, (value - largest) - shift, count);
        } else {
          const V value = load_some<float, Isa, Whole>(y + i, count);
          store_some<float, Isa, Whole>(y + i, value * factor, count);
        }
      });
}

// The sum over a row of g y, or of g alone. What a vector lacks is zero.
template <typename Isa>
[[gnu::always_inline]] inline float gradient_sum(const float* g, const float* y, std::int64_t size,
                                                 bool log) {
  using V = Vector<float, Isa>;
  V sums{};
  for_vectors<float, Isa>(
      size, [&]<bool Whole>(std::int64_t i, int count) __attribute__((always_inline)) {
        const V grad = load_some<float, Isa, Whole>(g + i, count);
        sums += log ? grad : grad * load_some<float, Isa, Whole>(y + i, count);
      });
  return reduce<float, Isa>(sums, [](auto a, auto b) { return a + b; });
}

template <typename Isa>
[[gnu::always_inline]] inline void softmax_gradient_row(const float* g, const float* y, float* dx,
                                                        std::int64_t size, bool log) {
  using V = Vector<float, Isa>;
  const V sum = broadcast<float, Isa>(gradient_sum<Isa>(g, y, size, log));
  for_vectors<float, Isa>(
      size, [&]<bool Whole>(std::int64_t i, int count) __attribute__((always_inline)) {
        const V grad = load_some<float, Isa, Whole>(g + i, count);
        const V value = load_some<float, Isa, Whole>(y + i, count);
        const V result = log ? grad - Math<float, Isa>::exp_nonpositive_or_zero(value) * sum
                             : value * (grad - sum);
        store_some<float, Isa, Whole>(dx + i, result, count);
      });
}

/// `count` neighbours, a vector or the first lanes of one, along the dimension.
template <typename Isa, bool Whole>
[[gnu::always_inline]] inline void softmax_column(const float* x, float* y, std::int64_t size,
                                                  std::int64_t inner, bool log, int count) {
  using V = Vector<float, Isa>;
  V largest = load_some<float, Isa, Whole>(x, count);
  for (std::int64_t i = 1; i < size; ++i) {
    const V value = load_some<float, Isa, Whole>(x + i * inner, count);
    largest = larger<float, Isa>(value, largest);
  }
  V sum{};
  for (std::int64_t i = 0; i < size; ++i) {
    const V e = Math<float, Isa>::exp_nonpositive_or_zero(
        load_some<float, Isa, Whole>(x + i * inner, count) - largest);
    sum += e;
    if (!log) store_some<float, Isa, Whole>(y + i * inner, e, count);
  }
  if (log) {
    // Lane by lane: by the same function as rows.
    float lanes[kLanes<float, Isa>];
    store<float, Isa>(lanes, sum);
    for (int lane = 0; lane < count; ++lane) lanes[lane] = natural_log(lanes[lane]);
    const V shift = load<float, Isa>(lanes);
    for (std::int64_t i = 0; i < size; ++i) {
      const V value = load_some<float, Isa, Whole>(x + i * inner, count);
      store_some<float, Isa, Whole>(y + i * inner, (value - largest) - shift, count);
    }
    return;
  }
  const V factor = 1.0F / sum;
  for (std::int64_t i = 0; i < size; ++i) {
    const V value = load_some<float, Isa, Whole>(y + i * inner, count);
    store_some<float, Isa, Whole>(y + i * inner, value * factor, count);
  }
}

template <typename Isa, bool Whole>
[[gnu::always_inline]] inline void softmax_gradient_column(const float* g, const float* y,
                                                           float* dx, std::int64_t size,
                                                           std::int64_t inner, bool log,
                                                           int count) {
  using V = Vector<float, Isa>;
  V sum{};
  for (std::int64_t i = 0; i < size; ++i) {
    const V grad = load_some<float, Isa, Whole>(g + i * inner, count);
    sum += log ? grad : grad * load_some<float, Isa, Whole>(y + i * inner, count);
  }
  for (std::int64_t i = 0; i < size; ++i) {
    const V grad = load_some<float, Isa, Whole>(g + i * inner, count);
    const V value = load_some<float, Isa, Whole>(y + i * inner, count);
    const V result =
        log ? grad - Math<float, Isa>::exp_nonpositive_or_zero(value) * sum : value * (grad - sum);
    store_some<float, Isa, Whole>(dx + i * inner, result, count);
  }
}

/// One column of float64.
[[gnu::always_inline]] inline void softmax_single(const double* x, double* y, std::int64_t size,
                                                  std::int64_t inner, bool log) {
  double largest = x[0];
  for (std::int64_t i = 1; i < size; ++i) {
    largest = x[i * inner] > largest ? x[i * inner] : largest;
  }
  double sum = 0.0;
  for (std::int64_t i = 0; i < size; ++i) sum += __builtin_exp(x[i * inner] - largest);
  const double shift = log ? natural_log(sum) : 0.0;
  for (std::int64_t i = 0; i < size; ++i) {
    const double value = x[i * inner] - largest;
    y[i * inner] = log ? value - shift : __builtin_exp(value) / sum;
  }
}

[[gnu::always_inline]] inline void softmax_gradient_single(const double* g, const double* y,
                                                           double* dx, std::int64_t size,
                                                           std::int64_t inner, bool log) {
  double sum = 0.0;
  for (std::int64_t i = 0; i < size; ++i) sum += log ? g[i * inner] : g[i * inner] * y[i * inner];
  for (std::int64_t i = 0; i < size; ++i) {
    const double value = y[i * inner];
    dx[i * inner] = log ? g[i * inner] - __builtin_exp(value) * sum : value * (g[i * inner] - sum);
  }
}

template <typename T, typename Isa>
void softmax(const SoftmaxTask<T>& task) {
  if (task.size == 0) return;
  for (std::int64_t outer = 0; outer < task.outer; ++outer) {
    const std::int64_t at = outer * task.size * task.inner;
    const T* const x = task.x + at;
    const T* const g = task.grad_output == nullptr ? nullptr : task.grad_output + at;
    T* const out = task.out + at;
    if constexpr (sizeof(T) == sizeof(double)) {
      for (std::int64_t c = 0; c < task.cols; ++c) {
        if (g == nullptr) {
          softmax_single(x + c, out + c, task.size, task.inner, task.log);
        } else {
          softmax_gradient_single(g + c, x + c, out + c, task.size, task.inner, task.log);
        }
      }
    } else if (task.inner == 1) {
      if (g == nullptr) {
        softmax_row<Isa>(x, out, task.size, task.log, outer + 1 < task.outer ? task.size : 0);
      } else {
        softmax_gradient_row<Isa>(g, x, out, task.size, task.log);
      }
    } else {
      for_vectors<T, Isa>(
          task.cols, [&]<bool Whole>(std::int64_t c, int count) __attribute__((always_inline)) {
            if (g == nullptr) {
              softmax_column<Isa, Whole>(x + c, out + c, task.size, task.inner, task.log, count);
            } else {
              softmax_gradient_column<Isa, Whole>(g + c, x + c, out + c, task.size, task.inner,
                                                  task.log, count);
            }
          });
    }
  }
}

}  // namespace wick::cpu
