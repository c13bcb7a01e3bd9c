// SPDX-License-Identifier: MIT
// Optimizer updates over flat memory. Formulas and their order: PyTorch's _single_tensor_sgd and
// _single_tensor_adam (Kingma and Ba 2015; Loshchilov and Hutter 2019 for the decoupled decay;
// Reddi et al. 2018 for amsgrad).
#pragma once

#include "kernels/cpu/simd/for_vectors.h"
#include "kernels/cpu/simd/update_table.h"
#include "kernels/negligible.h"

namespace wick::cpu {

// `mean`, or zero where it is negligible beside `param`. NaN stays, and what an infinite parameter
// has.
template <typename T, typename Isa>
[[gnu::always_inline]] inline Vector<T, Isa> without_negligible(Vector<T, Isa> mean,
                                                                Vector<T, Isa> param, T weight) {
  return (param + mean * weight) - param == T{0} ? Vector<T, Isa>{} : mean;
}

// The options are template arguments, so that the loops have no branches.
template <typename T, typename Isa, bool Decay, bool Momentum, bool Nesterov>
void sgd_loop(const SgdTask<T>& task) {
  using V = Vector<T, Isa>;
  const SgdTask<T> t = task;
  const T keep = t.first_step ? T{0} : t.momentum;
  const T take = t.first_step ? T{1} : t.one_minus_dampening;
  for_vectors<T, Isa>(
      t.count, [&]<bool Whole>(std::int64_t i, int count) __attribute__((always_inline)) {
        const V p = load_some<T, Isa, Whole>(t.param + i, count);
        V g = t.sign * load_some<T, Isa, Whole>(t.grad + i, count);
        // 0 * p would be no zero where p is infinite.
        if constexpr (Decay) g += t.weight_decay * p;
        if constexpr (Momentum) {
          T* const buffer = t.momentum_buffer + i;
          // On the first step the buffer may hold anything, NaN included.
          const V old = t.first_step ? V{} : load_some<T, Isa, Whole>(buffer, count);
          const V velocity = without_negligible<T, Isa>(keep * old + take * g, p, t.mean_weight);
          store_some<T, Isa, Whole>(buffer, velocity, count);
          g = Nesterov ? g + t.momentum * velocity : velocity;
        }
        store_some<T, Isa, Whole>(t.param + i, p - t.lr * g, count);
      });
}

template <typename T, typename Isa, bool Decay>
void sgd_by_momentum(const SgdTask<T>& task) {
  if (task.momentum_buffer == nullptr) return sgd_loop<T, Isa, Decay, false, false>(task);
  if (task.nesterov) return sgd_loop<T, Isa, Decay, true, true>(task);
  return sgd_loop<T, Isa, Decay, true, false>(task);
}
template <typename T, typename Isa>
void sgd(const SgdTask<T>& task) {
  task.weight_decay == T{0} ? sgd_by_momentum<T, Isa, false>(task)
                            : sgd_by_momentum<T, Isa, true>(task);
}

// Up to so many elements lie in the second-level cache, and the next ones are asked for: four
// streams at once are more than the processor foresees in good time. From farther away it does
// better by itself, all the more where threads have just shared the parameters.
inline constexpr std::int64_t kFewElements = 64 * 1024;

// torch.lerp: from both ends, each where it is the nearer one, so that a weight of 1 gives `to`.
template <typename T, typename Isa>
[[gnu::always_inline]] inline Vector<T, Isa> lerp(Vector<T, Isa> from, Vector<T, Isa> to,
                                                  T weight) {
  return weight < T(0.5) ? from + weight * (to - from) : to - (to - from) * (T{1} - weight);
}

// torch.maximum.
template <typename T, typename Isa>
[[gnu::always_inline]] inline Vector<T, Isa> larger_or_nan(Vector<T, Isa> a, Vector<T, Isa> b) {
  const Vector<T, Isa> larger = a > b ? a : b;  // b where one of them is NaN
  return a == a ? larger : a;
}

// `Plain`: the gradient is taken as it is, its weight in exp_avg is less than a half, and eps is at
// least kLeastDivisor.
template <typename T, typename Isa, bool Amsgrad, bool Plain>
void adam_loop(const AdamTask<T>& task) {
  using V = Vector<T, Isa>;
  const AdamTask<T> t = task;
  const bool ask = t.count <= kFewElements;
  for_vectors<T, Isa>(
      t.count, [&]<bool Whole>(std::int64_t i, int count) __attribute__((always_inline)) {
        const auto get = [i, count](const T* from) {
          return load_some<T, Isa, Whole>(from + i, count);
        };
        const auto put = [i, count](T* to, V value) {
          store_some<T, Isa, Whole>(to + i, value, count);
        };
        if (ask) {
          constexpr std::int64_t kAhead = 1024 / sizeof(T);
          __builtin_prefetch(t.param + i + kAhead, 1);
          __builtin_prefetch(t.grad + i + kAhead);
          __builtin_prefetch(t.exp_avg + i + kAhead, 1);
          __builtin_prefetch(t.exp_avg_sq + i + kAhead, 1);
        }
        const V p = get(t.param) * t.decay;
        V g = get(t.grad);
        if constexpr (!Plain) {
          g *= t.sign;
          if (t.weight_decay != T{0}) g += t.weight_decay * p;  // 0 * p may be NaN
        }
        const V mean = get(t.exp_avg);
        const V mixed = Plain ? mean + t.one_minus_beta1 * (g - mean)
                              : lerp<T, Isa>(mean, g, t.one_minus_beta1);
        const V m = without_negligible<T, Isa>(mixed, p, t.mean_weight);
        V v = get(t.exp_avg_sq) * t.beta2 + t.one_minus_beta2 * g * g;
        v = v < t.negligible_square ? V{} : v;  // never below zero
        put(t.exp_avg, m);
        put(t.exp_avg_sq, v);
        if constexpr (Amsgrad) {
          v = larger_or_nan<T, Isa>(get(t.max_exp_avg_sq), v);
          put(t.max_exp_avg_sq, v);
        }
        const V denominator = square_root<T, Isa>(v) * t.inverse_bias_correction2_sqrt + t.eps;
        const V scaled = t.step_size * m;  // first, as PyTorch does: it may overflow or vanish
        put(t.param, p - (Plain ? quotient<T, Isa>(scaled, denominator) : scaled / denominator));
      });
}

template <typename T, typename Isa>
void adam(const AdamTask<T>& task) {
  const bool plain = task.sign == T{1} && task.weight_decay == T{0} &&
                     task.one_minus_beta1 < T(0.5) && task.eps >= kLeastDivisor<T>;
  if (task.max_exp_avg_sq != nullptr) {
    return plain ? adam_loop<T, Isa, true, true>(task) : adam_loop<T, Isa, true, false>(task);
  }
  return plain ? adam_loop<T, Isa, false, true>(task) : adam_loop<T, Isa, false, false>(task);
}

}  // namespace wick::cpu
