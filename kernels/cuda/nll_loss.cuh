// SPDX-License-Identifier: MIT
// The loss of rows that are the logarithms of probabilities (torch.nn.functional.nll_loss), and its
// gradient, in one pass.
#pragma once

#include "kernels/cuda/cross_entropy.cuh"

namespace wick::cuda {

/// A warp per row.
template <typename T>
__global__ void __launch_bounds__(kLossThreads) nll_loss_kernel(CrossEntropyTask<T> task) {
  auto& shared = *shared_memory<LossShared>();
  const LossNorm norm = find_norm(task, shared.scratch);
  const T scale = static_cast<T>(1.0 / norm.divisor);
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  LossParts<double> mine{0.0, 0.0};
  for (std::int64_t r = grid_thread() / kWarpSize; r < task.rows; r += grid_threads() / kWarpSize) {
    const std::int64_t target = task.targets[r];
    const bool bad = target != task.ignore_index && !is_class(task, target);
    const bool counts = target != task.ignore_index && !bad;
    const T weight = counts ? class_weight(task, target) : T{0};
    if (task.grad != nullptr) {
      T* const grad = task.grad + r * task.grad_stride;
      for (std::int64_t c = lane; c < task.classes; c += kWarpSize) {
        grad[c] = counts && c == target ? -weight * scale : T{0};
      }
    }
    if (lane != 0) continue;
    if (bad) {
      report_out_of_range(task.error, CheckedOperation::nll_loss, r, target, task.classes);
    }
    T loss = bad ? not_a_number<T>() : T{0};
    if (counts) loss = -weight * task.logits[r * task.stride + target];
    if (task.losses != nullptr) task.losses[r] = loss;
    mine.hard += static_cast<double>(loss);
  }
  finish_loss(task, norm, mine, shared);
}

}  // namespace wick::cuda
