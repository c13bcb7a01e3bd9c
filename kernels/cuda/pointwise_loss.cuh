// SPDX-License-Identifier: MIT
// Losses that are sums over elements, and their gradients, in one pass.
#pragma once

#include "kernels/cuda/reduce.cuh"
#include "kernels/formulas/loss.h"
#include "kernels/formulas/scalar_math.h"
#include "wick/core/backend/loss.h"

namespace wick::cuda {

inline constexpr int kPointwiseLossThreads = 256;

template <typename T>
struct PointwiseLossTask {
  const T* input;
  const T* target;
  const T* weight;      // (cols) or null
  const T* pos_weight;  // likewise
  const T* var;         // (count) or null
  T* losses;            // likewise
  T* grad;              // likewise
  T* grad_var;          // likewise
  std::int64_t count;
  std::int64_t cols;
  T a;
  T b;
  T scale;         // of the gradient
  double divisor;  // of the sum of the losses
  T* loss;
  double* loss_sum;  // or null
  double* partial;   // of each block
  unsigned* ticket;
};

struct PointwiseLossShared {
  double scratch[kPointwiseLossThreads / kWarpSize];
  int is_last;
};

template <LossOp Op, typename T>
__global__ void __launch_bounds__(kPointwiseLossThreads)
    pointwise_loss_kernel(PointwiseLossTask<T> task) {
  using M = formulas::ScalarMath<T>;
  auto& shared = *shared_memory<PointwiseLossShared>();
  double mine = 0.0;
  for (std::int64_t i = grid_thread(); i < task.count; i += grid_threads()) {
    T weight{1};
    T positive{1};
    if (task.weight != nullptr || task.pos_weight != nullptr) {
      const std::int64_t column = i % task.cols;
      if (task.weight != nullptr) weight = task.weight[column];
      if (task.pos_weight != nullptr) positive = task.pos_weight[column];
    }
    if constexpr (Op == LossOp::gaussian_nll_loss) positive = task.var[i];
    const auto result = formulas::PointwiseLoss<Op>::template of<M>(task.input[i], task.target[i],
                                                                    {task.a, task.b}, positive);
    const T one = result.loss * weight;
    mine += static_cast<double>(one);
    if (task.losses != nullptr) task.losses[i] = one;
    if constexpr (Op == LossOp::gaussian_nll_loss) {
      if (task.grad_var != nullptr) task.grad_var[i] = result.grad_var * task.scale;
    }
    if (task.grad != nullptr) task.grad[i] = result.grad * weight * task.scale;
  }
  const double block = block_sum<kPointwiseLossThreads>(mine, shared.scratch);
  if (threadIdx.x == 0) task.partial[blockIdx.x] = block;
  if (!last_block(task.ticket, gridDim.x, &shared.is_last)) return;
  double sum = 0.0;
  for (unsigned b = threadIdx.x; b < gridDim.x; b += kPointwiseLossThreads) {
    sum += __ldcg(task.partial + b);
  }
  sum = block_sum<kPointwiseLossThreads>(sum, shared.scratch);
  if (threadIdx.x != 0) return;
  const T loss = static_cast<T>(sum / task.divisor);
  *task.loss = loss;
  if (task.loss_sum != nullptr) *task.loss_sum += static_cast<double>(loss);
}

}  // namespace wick::cuda
