// SPDX-License-Identifier: MIT
// Optimizer updates over the flat arena in one pass. Formulas and their order are those of
// kernels/cpu/simd/update.h: PyTorch's _single_tensor_sgd and _single_tensor_adam.
#pragma once

#include "core/backend/update.h"
#include "kernels/cuda/pack.cuh"
#include "kernels/negligible.h"

namespace wick::cuda {

inline constexpr int kUpdateThreads = 256;

/// The scalars of this step: from the table on the device, or those of the launch.
__device__ inline StepScalars current_scalars(const StepSchedule& schedule,
                                              const StepScalars& otherwise) {
  return schedule.table != nullptr ? schedule.table[*schedule.counter] : otherwise;
}

/// As the CPU's kernels do: `mean`, or zero where it is negligible beside `param`. NaN stays,
/// and what an infinite parameter has.
template <typename T>
__host__ __device__ inline T without_negligible(T mean, T param, T weight) {
  return (param + mean * weight) - param == T{0} ? T{0} : mean;
}

__host__ __device__ inline float square_root(float x) {
  return sqrtf(x);
}
__host__ __device__ inline double square_root(double x) {
  return sqrt(x);
}

/// What does not change from step to step.
template <typename T>
struct SgdOptions {
  T sign;  // -1 to maximize, else 1
  T momentum;
  T one_minus_dampening;
  T weight_decay;
  bool nesterov;
};
template <typename T>
SgdOptions<T> sgd_options(const SgdArgs& args) {
  return {T{args.maximize ? -1.0F : 1.0F}, static_cast<T>(args.momentum),
          static_cast<T>(1.0 - args.dampening), static_cast<T>(args.weight_decay), args.nesterov};
}
template <typename T>
struct SgdScalars {
  T lr;
  T mean_weight;
  bool first_step;
};
template <typename T>
__device__ inline SgdScalars<T> sgd_scalars(const StepScalars& step) {
  return {static_cast<T>(step.lr), static_cast<T>(step.mean_weight), step.first_step != 0};
}

/// One element; `buffer` is the momentum's, unless there is none.
template <bool Momentum, typename T>
__host__ __device__ inline void sgd_element(const SgdOptions<T>& o, const SgdScalars<T>& s,
                                            T& param, T grad, T& buffer) {
  T g = o.sign * grad;
  if (o.weight_decay != T{0}) g += o.weight_decay * param;  // 0 * param may be NaN
  if constexpr (Momentum) {
    // On the first step the buffer may hold anything, NaN included.
    const T velocity = without_negligible(
        s.first_step ? g : o.momentum * buffer + o.one_minus_dampening * g, param, s.mean_weight);
    buffer = velocity;
    g = o.nesterov ? g + o.momentum * velocity : velocity;
  }
  param -= s.lr * g;
}

template <typename T>
struct AdamOptions {
  T sign;          // -1 to maximize, else 1
  T weight_decay;  // what is added to the gradient; 0 if decoupled
  T beta2;
  T one_minus_beta1;
  T one_minus_beta2;
  T eps;
  T negligible_square;
};
template <typename T>
AdamOptions<T> adam_options(const AdamArgs& args) {
  return {T{args.maximize ? -1.0F : 1.0F},
          static_cast<T>(args.decoupled_weight_decay ? 0.0 : args.weight_decay),
          static_cast<T>(args.beta2),
          static_cast<T>(1.0 - args.beta1),
          static_cast<T>(1.0 - args.beta2),
          static_cast<T>(args.eps),
          negligible_square<T>(args.eps, args.beta2)};
}
template <typename T>
struct AdamScalars {
  T decay;
  T step_size;
  T inverse_bias_correction2_sqrt;
  T mean_weight;
};
template <typename T>
__device__ inline AdamScalars<T> adam_scalars(const StepScalars& step) {
  return {static_cast<T>(step.decay), static_cast<T>(step.step_size),
          static_cast<T>(step.inverse_bias_correction2_sqrt), static_cast<T>(step.mean_weight)};
}

/// torch.lerp: from both ends, each where it is the nearer one.
template <typename T>
__host__ __device__ inline T lerp(T from, T to, T weight) {
  return weight < T(0.5) ? from + weight * (to - from) : to - (to - from) * (T{1} - weight);
}

template <bool Amsgrad, typename T>
__host__ __device__ inline void adam_element(const AdamOptions<T>& o, const AdamScalars<T>& s,
                                             T& param, T grad, T& exp_avg, T& exp_avg_sq,
                                             T& max_exp_avg_sq) {
  T p = param * s.decay;
  T g = o.sign * grad;
  if (o.weight_decay != T{0}) g += o.weight_decay * p;
  const T m = without_negligible(lerp(exp_avg, g, o.one_minus_beta1), p, s.mean_weight);
  T v = exp_avg_sq * o.beta2 + o.one_minus_beta2 * g * g;
  if (v < o.negligible_square) v = T{0};
  exp_avg = m;
  exp_avg_sq = v;
  T second = v;
  if constexpr (Amsgrad) {
    // NaN from either, as torch.maximum.
    second = max_exp_avg_sq > v || max_exp_avg_sq != max_exp_avg_sq ? max_exp_avg_sq : v;
    max_exp_avg_sq = second;
  }
  p -= s.step_size * m / (square_root(second) * s.inverse_bias_correction2_sqrt + o.eps);
  param = p;
}

template <typename T>
struct SgdTask {
  std::int64_t count;
  T* param;
  const T* grad;
  T* buffer;  // or null
  SgdOptions<T> options;
  StepScalars scalars;
  StepSchedule schedule;
};

template <int N, bool Momentum, typename T>
__device__ inline void sgd_pack(const SgdTask<T>& task, const SgdScalars<T>& scalars,
                                std::int64_t at) {
  Pack<T, N> param = load_pack<N>(task.param + at);
  const Pack<T, N> grad = load_pack<N>(task.grad + at);
  Pack<T, N> buffer{};
  if constexpr (Momentum) buffer = load_pack<N>(task.buffer + at);
  for (int j = 0; j < N; ++j) {
    sgd_element<Momentum>(task.options, scalars, param[j], grad[j], buffer[j]);
  }
  store_pack<N>(task.param + at, param);
  if constexpr (Momentum) store_pack<N>(task.buffer + at, buffer);
}

template <int N, bool Momentum, typename T>
__global__ void __launch_bounds__(kUpdateThreads) sgd_kernel(SgdTask<T> task) {
  const StepScalars step = current_scalars(task.schedule, task.scalars);
  const SgdScalars<T> scalars = sgd_scalars<T>(step);
  const std::int64_t packs = task.count / N;
  for (std::int64_t i = grid_thread(); i < packs; i += grid_threads()) {
    sgd_pack<N, Momentum>(task, scalars, i * N);
  }
  const std::int64_t rest = packs * N + grid_thread();
  if (rest < task.count) sgd_pack<1, Momentum>(task, scalars, rest);
}

template <typename T>
struct AdamTask {
  std::int64_t count;
  T* param;
  const T* grad;
  T* exp_avg;
  T* exp_avg_sq;
  T* max_exp_avg_sq;  // or null
  AdamOptions<T> options;
  StepScalars scalars;
  StepSchedule schedule;
};

template <int N, bool Amsgrad, typename T>
__device__ inline void adam_pack(const AdamTask<T>& task, const AdamScalars<T>& scalars,
                                 std::int64_t at) {
  Pack<T, N> param = load_pack<N>(task.param + at);
  const Pack<T, N> grad = load_pack<N>(task.grad + at);
  Pack<T, N> mean = load_pack<N>(task.exp_avg + at);
  Pack<T, N> square = load_pack<N>(task.exp_avg_sq + at);
  Pack<T, N> maximum{};
  if constexpr (Amsgrad) maximum = load_pack<N>(task.max_exp_avg_sq + at);
  for (int j = 0; j < N; ++j) {
    adam_element<Amsgrad>(task.options, scalars, param[j], grad[j], mean[j], square[j], maximum[j]);
  }
  store_pack<N>(task.param + at, param);
  store_pack<N>(task.exp_avg + at, mean);
  store_pack<N>(task.exp_avg_sq + at, square);
  if constexpr (Amsgrad) store_pack<N>(task.max_exp_avg_sq + at, maximum);
}

/// 28 bytes per element of traffic in float32: 7 accesses of 16 bytes per thread and round, 4 of
/// them loads that are under way together.
template <int N, bool Amsgrad, typename T>
__global__ void __launch_bounds__(kUpdateThreads) adam_kernel(AdamTask<T> task) {
  const StepScalars step = current_scalars(task.schedule, task.scalars);
  const AdamScalars<T> scalars = adam_scalars<T>(step);
  const std::int64_t packs = task.count / N;
  for (std::int64_t i = grid_thread(); i < packs; i += grid_threads()) {
    adam_pack<N, Amsgrad>(task, scalars, i * N);
  }
  const std::int64_t rest = packs * N + grid_thread();
  if (rest < task.count) adam_pack<1, Amsgrad>(task, scalars, rest);
}

}  // namespace wick::cuda
