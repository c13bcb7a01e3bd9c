// SPDX-License-Identifier: MIT
// Optimizer updates over flat memory. Formulas and their order: PyTorch's _single_tensor_sgd and
// _single_tensor_adam (Kingma and Ba 2015; Loshchilov and Hutter 2019 for the decoupled decay;
// Reddi et al. 2018 for amsgrad).
#pragma once

#include "kernels/cpu/simd/kernel_table.h"

namespace wick::cpu {

template <typename T>
[[gnu::always_inline]] inline T square_root(T value) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return __builtin_sqrtf(value);
  } else {
    return __builtin_sqrt(value);
  }
}

// Running means of parameters whose gradient has become zero (a ReLU that no input reaches) decay
// geometrically and would spend most of a long run as subnormal numbers, which processors handle
// many times slower. So far below anything that moves a parameter they are taken as zero.
template <typename T>
struct Negligible {
  static constexpr bool kFloat = sizeof(T) == sizeof(float);
  static constexpr T kMean = kFloat ? T(1e-30) : T(1e-290);
  static constexpr T kMeanSquare = kFloat ? T(1e-37) : T(1e-300);
};

template <typename T>
[[gnu::always_inline]] inline T flush(T value, T negligible) {
  return (value < negligible && value > -negligible) ? T{0} : value;  // NaN stays
}

// The options are template arguments, so that the loops have no branches.
template <typename T, typename Isa, bool Momentum, bool Nesterov>
void sgd_loop(const SgdTask<T>& task) {
  const SgdTask<T> t = task;
  T* __restrict const param = t.param;
  const T* __restrict const grad = t.grad;
  T* __restrict const buffer = t.momentum_buffer;
  const T keep = t.first_step ? T{0} : t.momentum;
  const T take = t.first_step ? T{1} : t.one_minus_dampening;
  for (std::int64_t i = 0; i < t.count; ++i) {
    T g = t.sign * grad[i] + t.weight_decay * param[i];
    if constexpr (Momentum) {
      // On the first step the buffer may hold anything, NaN included.
      const T old = t.first_step ? T{0} : buffer[i];
      const T velocity = flush(keep * old + take * g, Negligible<T>::kMean);
      buffer[i] = velocity;
      g = Nesterov ? g + t.momentum * velocity : velocity;
    }
    param[i] -= t.lr * g;
  }
}

template <typename T, typename Isa>
void sgd(const SgdTask<T>& task) {
  if (task.momentum_buffer == nullptr) return sgd_loop<T, Isa, false, false>(task);
  if (task.nesterov) return sgd_loop<T, Isa, true, true>(task);
  return sgd_loop<T, Isa, true, false>(task);
}

template <typename T, typename Isa, bool Amsgrad>
void adam_loop(const AdamTask<T>& task) {
  const AdamTask<T> t = task;
  T* __restrict const param = t.param;
  const T* __restrict const grad = t.grad;
  T* __restrict const exp_avg = t.exp_avg;
  T* __restrict const exp_avg_sq = t.exp_avg_sq;
  T* __restrict const max_exp_avg_sq = t.max_exp_avg_sq;
  for (std::int64_t i = 0; i < t.count; ++i) {
    T p = param[i] * t.decay;
    const T g = t.sign * grad[i] + t.weight_decay * p;
    const T m = flush(exp_avg[i] + t.one_minus_beta1 * (g - exp_avg[i]), Negligible<T>::kMean);
    const T v =
        flush(exp_avg_sq[i] * t.beta2 + t.one_minus_beta2 * g * g, Negligible<T>::kMeanSquare);
    exp_avg[i] = m;
    exp_avg_sq[i] = v;
    T second = v;
    if constexpr (Amsgrad) {
      second = max_exp_avg_sq[i] > v ? max_exp_avg_sq[i] : v;
      max_exp_avg_sq[i] = second;
    }
    const T denominator = square_root(second) * t.inverse_bias_correction2_sqrt + t.eps;
    p -= t.step_size * (m / denominator);
    param[i] = p;
  }
}

template <typename T, typename Isa>
void adam(const AdamTask<T>& task) {
  if (task.max_exp_avg_sq != nullptr) return adam_loop<T, Isa, true>(task);
  return adam_loop<T, Isa, false>(task);
}

}  // namespace wick::cpu
