// SPDX-License-Identifier: MIT
// Optimizer updates over the flat arena in one pass: the formulas of kernels/formulas/update.h for
// CUDA's threads.
#pragma once

#include <cmath>

#include "kernels/cuda/pack.cuh"
#include "kernels/formulas/update.h"
#include "wick/core/backend/update.h"

namespace wick::cuda {

inline constexpr int kUpdateThreads = 256;

/// What the formulas compute with.
template <typename T>
struct UpdateMath {
  using Scalar = T;
  using V = T;
  static constexpr V abs(V x) {
    if constexpr (sizeof(T) == sizeof(float)) {
      return ::fabsf(x);
    } else {
      return ::fabs(x);
    }
  }
  static constexpr V sqrt(V x) {
    if constexpr (sizeof(T) == sizeof(float)) {
      return ::sqrtf(x);
    } else {
      return ::sqrt(x);
    }
  }
  static constexpr V div(V a, V b) { return a / b; }
};

/// The scalars of this step: from the table on the device, or those of the launch.
__device__ inline StepScalars current_scalars(const StepSchedule& schedule,
                                              const StepScalars& otherwise) {
  return schedule.table != nullptr ? schedule.table[*schedule.counter] : otherwise;
}

template <typename T>
struct UpdateTask {
  std::int64_t count;
  T* param;
  const T* grad;
  T* state[kMaxUpdateState];  // null where there is none
  formulas::UpdateOptions<T> options;
  StepScalars scalars;
  StepSchedule schedule;
};

/// `N` elements; `States` are the tensors of state that there are.
template <UpdateOp Op, formulas::StateMask States, int N, typename T>
__device__ inline void update_pack(const UpdateTask<T>& task,
                                   const formulas::UpdateScalars<T>& scalars, std::int64_t at) {
  Pack<T, N> param = load_pack<N>(task.param + at);
  const Pack<T, N> grad = load_pack<N>(task.grad + at);
  Pack<T, N> state[kMaxUpdateState] = {};
#pragma unroll
  for (unsigned k = 0; k < kMaxUpdateState; ++k) {
    if ((States >> k & 1U) != 0U) state[k] = load_pack<N>(task.state[k] + at);
  }
  const formulas::AnyFlags flags = formulas::any_flags(task.options);
#pragma unroll
  for (int j = 0; j < N; ++j) {
    formulas::UpdateState<T> element{state[0][j], state[1][j], state[2][j]};
    formulas::Update<Op>::template apply<UpdateMath<T>, States>(task.options, scalars, flags,
                                                                param[j], grad[j], element);
    state[0][j] = element.first;
    state[1][j] = element.second;
    state[2][j] = element.third;
  }
  store_pack<N>(task.param + at, param);
#pragma unroll
  for (unsigned k = 0; k < kMaxUpdateState; ++k) {
    if ((States >> k & 1U) != 0U) store_pack<N>(task.state[k] + at, state[k]);
  }
}

/// Adam has 28 bytes per element of traffic in float32: 7 accesses of 16 bytes per thread and
/// round, 4 of them loads that are under way together.
template <UpdateOp Op, formulas::StateMask States, int N, typename T>
__global__ void __launch_bounds__(kUpdateThreads) update_kernel(UpdateTask<T> task) {
  const auto scalars = update_scalars<T>(current_scalars(task.schedule, task.scalars));
  const std::int64_t packs = task.count / N;
  for (std::int64_t i = grid_thread(); i < packs; i += grid_threads()) {
    update_pack<Op, States, N>(task, scalars, i * N);
  }
  const std::int64_t rest = packs * N + grid_thread();
  if (rest < task.count) update_pack<Op, States, 1>(task, scalars, rest);
}

}  // namespace wick::cuda
