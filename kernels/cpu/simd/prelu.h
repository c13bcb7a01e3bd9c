// SPDX-License-Identifier: MIT
// PReLU and its gradients, by the input and by the weight in one pass.
#pragma once

#include "kernels/cpu/simd/for_vectors.h"
#include "kernels/cpu/simd/rows_table.h"
#include "kernels/cpu/simd/wide_sum.h"

namespace wick::cpu {

template <typename T, typename Isa, bool Each, bool Backward>
[[gnu::always_inline]] inline void prelu_of(const PreluTask<T>& task) {
  using V = Vector<T, Isa>;
  const PreluTask<T> own = task;  // no store can change it
  const V one_weight = broadcast<T, Isa>(own.weight[0]);
  WideSum<T, Isa> sum;
  for_vectors<T, Isa>(
      own.count, [&]<bool Whole>(std::int64_t i, int n) __attribute__((always_inline)) {
        const V x = load_some<T, Isa, Whole>(own.x + i, n);
        V value = x;
        if constexpr (Backward) value = load_some<T, Isa, Whole>(own.grad_output + i, n);
        if (!Backward || own.out != nullptr) {
          V weight = one_weight;
          if constexpr (Each) weight = load_some<T, Isa, Whole>(own.weight + i, n);
          store_some<T, Isa, Whole>(own.out + i, x > T{0} ? value : weight * value, n);
        }
        if constexpr (Backward) {
          if (own.sums == nullptr) return;
          const V grad = x > T{0} ? V{} : value;
          const V negative = x > T{0} ? V{} : x;
          if constexpr (!Each) {
            sum.add_product(grad, negative);
          } else if constexpr (Whole) {
            WideSum<T, Isa>::add_product_to(own.sums + i, grad, negative);
          } else {
            WideSum<T, Isa> rest;
            rest.add_product(grad, negative);
            rest.add_to(own.sums + i, n);
          }
        }
      });
  if (Backward && !Each && own.sums != nullptr) own.sums[0] += sum.total();
}

template <typename T, typename Isa>
void prelu(const PreluTask<T>& task) {
  if (task.count == 0) return;
  if (task.grad_output == nullptr) {
    task.each ? prelu_of<T, Isa, true, false>(task) : prelu_of<T, Isa, false, false>(task);
  } else {
    task.each ? prelu_of<T, Isa, true, true>(task) : prelu_of<T, Isa, false, true>(task);
  }
}

}  // namespace wick::cpu
