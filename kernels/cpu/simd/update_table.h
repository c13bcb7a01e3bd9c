// SPDX-License-Identifier: MIT
// Optimizers' updates: what the kernels get, and which there are.
#pragma once

#include <cstdint>

namespace wick::cpu {

template <typename T>
struct SgdTask {
  std::int64_t count;
  T* param;
  const T* grad;
  T* momentum_buffer;  // or null
  bool first_step;
  bool nesterov;
  T sign;  // -1 to maximize, else 1
  T lr;
  T momentum;
  T one_minus_dampening;
  T weight_decay;
  T mean_weight;  // see negligible.h
};

template <typename T>
struct AdamTask {
  std::int64_t count;
  T* param;
  const T* grad;
  T* exp_avg;
  T* exp_avg_sq;
  T* max_exp_avg_sq;  // or null
  T sign;             // -1 to maximize, else 1
  T decay;            // what the parameter is multiplied by first: 1 - lr * weight_decay, or 1
  T weight_decay;     // what is added to the gradient: weight_decay * param, or 0
  T beta2;
  T one_minus_beta1;
  T one_minus_beta2;
  T step_size;                      // lr / (1 - beta1^step)
  T inverse_bias_correction2_sqrt;  // 1 / sqrt(1 - beta2^step)
  T eps;
  T mean_weight;        // see negligible.h
  T negligible_square;  // likewise
};

template <typename T>
struct UpdateTable {
  void (*sgd)(const SgdTask<T>&);
  void (*adam)(const AdamTask<T>&);
};
template <typename T, typename Isa>
[[nodiscard]] UpdateTable<T> update_table();

}  // namespace wick::cpu
