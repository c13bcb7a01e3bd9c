// SPDX-License-Identifier: MIT
// Functions of one argument and their gradients over flat memory: the formulas of
// kernels/formulas/unary.h in vectors of float32, and in float64 one element at a time.
#pragma once

#include "kernels/cpu/simd/elementwise_table.h"
#include "kernels/cpu/simd/for_vectors.h"
#include "kernels/cpu/simd/vector_lanes.h"
#include "kernels/formulas/unary.h"
#include "wick/core/backend/elementwise.h"

namespace wick::cpu {

template <typename T, typename Isa, UnaryOp Op>
void unary(const UnaryTask<T>& task) {
  using M = Math<T, Isa>;
  using Formula = formulas::Unary<Op>;
  const T* const x = task.x;
  T* const y = task.y;
  const formulas::Parameters<T> parameters{task.a, task.b};
  if constexpr (sizeof(T) == sizeof(float)) {
    for_vectors<T, Isa>(
        task.count, [&]<bool Whole>(std::int64_t i, int count) __attribute__((always_inline)) {
          const auto value = load_some<T, Isa, Whole>(x + i, count);
          store_some<T, Isa, Whole>(y + i, Formula::template forward<M>(value, parameters), count);
        });
  } else {
    for (std::int64_t i = 0; i < task.count; ++i) {
      y[i] = Formula::template forward<M>(x[i], parameters);
    }
  }
}

template <typename T, typename Isa, UnaryOp Op>
void unary_backward(const UnaryBackwardTask<T>& task) {
  using M = Math<T, Isa>;
  using Formula = formulas::Unary<Op>;
  const T* const dy = task.grad_output;
  const T* const saved = task.saved;
  T* const dx = task.grad_input;
  const formulas::Parameters<T> parameters{task.a, task.b};
  if constexpr (sizeof(T) == sizeof(float)) {
    for_vectors<T, Isa>(
        task.count, [&]<bool Whole>(std::int64_t i, int count) __attribute__((always_inline)) {
          const auto grad = load_some<T, Isa, Whole>(dy + i, count);
          const auto value = load_some<T, Isa, Whole>(saved + i, count);
          store_some<T, Isa, Whole>(dx + i, Formula::template backward<M>(grad, value, parameters),
                                    count);
        });
  } else {
    for (std::int64_t i = 0; i < task.count; ++i) {
      dx[i] = Formula::template backward<M>(dy[i], saved[i], parameters);
    }
  }
}

}  // namespace wick::cpu
