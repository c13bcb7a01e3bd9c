// SPDX-License-Identifier: MIT
// Normalisation over rows in memory and over columns of a matrix. Sums are taken of differences
// from an element (or from the mean), in float64, so that a large mean costs no digits.
#pragma once

#include "kernels/cpu/simd/for_vectors.h"
#include "kernels/cpu/simd/norm_table.h"
#include "kernels/cpu/simd/wide_sum.h"

namespace wick::cpu {

/// The first `count` lanes, the others zero.
template <typename T, typename Isa, bool Whole>
[[gnu::always_inline]] inline Vector<T, Isa> only_first(Vector<T, Isa> value, int count) {
  if constexpr (Whole) {
    return value;
  } else {
    T lanes[kLanes<T, Isa>];
    store<T, Isa>(lanes, value);
    for (int i = 0; i < kLanes<T, Isa>; ++i) lanes[i] = i < count ? lanes[i] : T{0};
    return load<T, Isa>(lanes);
  }
}

template <typename T, typename Isa>
void norm_sums(const T* x, std::int64_t count, T origin, double* sums) {
  using V = Vector<T, Isa>;
  WideSum<T, Isa> first;
  WideSum<T, Isa> second;
  const V shift = broadcast<T, Isa>(origin);
  for_vectors<T, Isa>(
      count, [&]<bool Whole>(std::int64_t i, int n) __attribute__((always_inline)) {
        const V d = only_first<T, Isa, Whole>(load_some<T, Isa, Whole>(x + i, n) - shift, n);
        first.add(d);
        second.add_product(d, d);
      });
  sums[0] += first.total();
  sums[1] += second.total();
}

template <typename T, typename Isa>
void norm_row(const NormRowTask<T>& task) {
  using V = Vector<T, Isa>;
  const V mean = broadcast<T, Isa>(task.mean);
  const V scale = broadcast<T, Isa>(task.scale);
  const V shift = broadcast<T, Isa>(task.shift);
  const T* const weight = task.weight;
  const T* const bias = task.bias;
  for_vectors<T, Isa>(
      task.count, [&]<bool Whole>(std::int64_t i, int n) __attribute__((always_inline)) {
        V y = (load_some<T, Isa, Whole>(task.x + i, n) - mean) * scale + shift;
        if (weight != nullptr) y = y * load_some<T, Isa, Whole>(weight + i, n);
        if (bias != nullptr) y = y + load_some<T, Isa, Whole>(bias + i, n);
        store_some<T, Isa, Whole>(task.y + i, y, n);
      });
}

template <typename T, typename Isa>
void norm_grad_sums(const NormRowGradTask<T>& task, double* sums) {
  using V = Vector<T, Isa>;
  const V mean = broadcast<T, Isa>(task.mean);
  const T* const weight = task.weight;
  WideSum<T, Isa> of_p;
  WideSum<T, Isa> of_pd;
  WideSum<T, Isa> of_d;
  for_vectors<T, Isa>(
      task.count, [&]<bool Whole>(std::int64_t i, int n) __attribute__((always_inline)) {
        const V d = only_first<T, Isa, Whole>(load_some<T, Isa, Whole>(task.x + i, n) - mean, n);
        V p = load_some<T, Isa, Whole>(task.grad_output + i, n);
        if (weight != nullptr) p = p * load_some<T, Isa, Whole>(weight + i, n);
        of_p.add(p);
        of_pd.add(p * d);
        of_d.add(d);
      });
  sums[0] += of_p.total();
  sums[1] += of_pd.total();
  sums[2] += of_d.total();
}

template <typename T, typename Isa>
void norm_row_grad(const NormRowGradTask<T>& task) {
  using V = Vector<T, Isa>;
  const V mean = broadcast<T, Isa>(task.mean);
  const V a = broadcast<T, Isa>(task.a);
  const V b = broadcast<T, Isa>(task.b);
  const V c = broadcast<T, Isa>(task.c);
  const V scale = broadcast<T, Isa>(task.scale);
  const V shift = broadcast<T, Isa>(task.shift);
  const NormRowGradTask<T> to = task;
  for_vectors<T, Isa>(
      task.count, [&]<bool Whole>(std::int64_t i, int n) __attribute__((always_inline)) {
        const V d = load_some<T, Isa, Whole>(to.x + i, n) - mean;
        const V g = load_some<T, Isa, Whole>(to.grad_output + i, n);
        if (to.grad_input != nullptr) {
          const V p = to.weight == nullptr ? g : g * load_some<T, Isa, Whole>(to.weight + i, n);
          store_some<T, Isa, Whole>(to.grad_input + i, p * a + (d * b + c), n);
        }
        if (to.grad_weight != nullptr) {
          store_some<T, Isa, Whole>(
              to.grad_weight + i,
              load_some<T, Isa, Whole>(to.grad_weight + i, n) + g * (d * scale + shift), n);
        }
        if (to.grad_bias != nullptr) {
          store_some<T, Isa, Whole>(to.grad_bias + i,
                                    load_some<T, Isa, Whole>(to.grad_bias + i, n) + g, n);
        }
      });
}

/// Rows whose sums are taken in registers. Their columns are read side by side, as streams that the
/// processor sees coming.
inline constexpr std::int64_t kNormRows = 16;

template <typename T, typename Isa>
void norm_column_sums(const NormColumnsTask<T>& task, double* sums) {
  using V = Vector<T, Isa>;
  for (std::int64_t i = 0; i < 2 * task.cols; ++i) sums[i] = 0.0;
  for (std::int64_t begin = 0; begin < task.rows; begin += kNormRows) {
    const std::int64_t left = task.rows - begin;
    const std::int64_t rows = left < kNormRows ? left : kNormRows;
    const T* const x = task.x + begin * task.stride;
    for_vectors<T, Isa>(
        task.cols, [&]<bool Whole>(std::int64_t i, int n) __attribute__((always_inline)) {
          const V origin = load_some<T, Isa, Whole>(task.x + i, n);
          WideSum<T, Isa> first;
          WideSum<T, Isa> second;
          for (std::int64_t r = 0; r < rows; ++r) {
            const V d = load_some<T, Isa, Whole>(x + r * task.stride + i, n) - origin;
            first.add(d);
            second.add_product(d, d);
          }
          first.add_to(sums + i, n);
          second.add_to(sums + task.cols + i, n);
        });
  }
}

template <typename T, typename Isa>
void norm_columns(const NormColumnsTask<T>& task) {
  using V = Vector<T, Isa>;
  for (std::int64_t r = 0; r < task.rows; ++r) {
    const T* const x = task.x + r * task.stride;
    T* const y = task.out + r * task.stride;
    for_vectors<T, Isa>(
        task.cols, [&]<bool Whole>(std::int64_t i, int n) __attribute__((always_inline)) {
          const V d =
              load_some<T, Isa, Whole>(x + i, n) - load_some<T, Isa, Whole>(task.mean + i, n);
          store_some<T, Isa, Whole>(
              y + i,
              d * load_some<T, Isa, Whole>(task.a + i, n) + load_some<T, Isa, Whole>(task.b + i, n),
              n);
        });
  }
}

template <typename T, typename Isa>
void norm_column_grad_sums(const NormColumnsTask<T>& task, double* sums) {
  using V = Vector<T, Isa>;
  for (std::int64_t i = 0; i < 3 * task.cols; ++i) sums[i] = 0.0;
  for (std::int64_t begin = 0; begin < task.rows; begin += kNormRows) {
    const std::int64_t left = task.rows - begin;
    const std::int64_t rows = left < kNormRows ? left : kNormRows;
    const T* const x = task.x + begin * task.stride;
    const T* const grad = task.grad_output + begin * task.stride;
    for_vectors<T, Isa>(
        task.cols, [&]<bool Whole>(std::int64_t i, int n) __attribute__((always_inline)) {
          const V mean = load_some<T, Isa, Whole>(task.mean + i, n);
          WideSum<T, Isa> of_p;
          WideSum<T, Isa> of_pd;
          WideSum<T, Isa> of_d;
          for (std::int64_t r = 0; r < rows; ++r) {
            const V d = load_some<T, Isa, Whole>(x + r * task.stride + i, n) - mean;
            const V g = load_some<T, Isa, Whole>(grad + r * task.stride + i, n);
            of_p.add(g);
            of_pd.add(g * d);
            of_d.add(d);
          }
          of_p.add_to(sums + i, n);
          of_pd.add_to(sums + task.cols + i, n);
          of_d.add_to(sums + 2 * task.cols + i, n);
        });
  }
}

template <typename T, typename Isa>
void norm_columns_grad(const NormColumnsTask<T>& task) {
  using V = Vector<T, Isa>;
  for (std::int64_t r = 0; r < task.rows; ++r) {
    const T* const x = task.x + r * task.stride;
    const T* const grad = task.grad_output + r * task.stride;
    T* const out = task.out + r * task.stride;
    for_vectors<T, Isa>(
        task.cols, [&]<bool Whole>(std::int64_t i, int n) __attribute__((always_inline)) {
          const V d =
              load_some<T, Isa, Whole>(x + i, n) - load_some<T, Isa, Whole>(task.mean + i, n);
          const V g = load_some<T, Isa, Whole>(grad + i, n);
          store_some<T, Isa, Whole>(out + i,
                                    g * load_some<T, Isa, Whole>(task.a + i, n) +
                                        (d * load_some<T, Isa, Whole>(task.b + i, n) +
                                         load_some<T, Isa, Whole>(task.c + i, n)),
                                    n);
        });
  }
}

}  // namespace wick::cpu
