// SPDX-License-Identifier: MIT
// PReLU and its gradients, for (outer, channels, inner) elements.
#pragma once

#include "kernels/cuda/reduce.cuh"

namespace wick::cuda {

inline constexpr int kPreluThreads = 256;

template <typename T>
struct PreluTask {
  const T* x;
  const T* grad_output;  // or null
  const T* weight;
  T* out;
  T* grad_weight;
  bool accumulate;
  std::int64_t outer;
  std::int64_t channels;
  std::int64_t inner;
};

/// out = x > 0 ? v : weight * v, where v is x, or the gradient where there is one.
template <typename T>
__global__ void __launch_bounds__(kPreluThreads) prelu_kernel(PreluTask<T> task) {
  const std::int64_t count = task.outer * task.channels * task.inner;
  for (std::int64_t i = grid_thread(); i < count; i += grid_threads()) {
    const T weight =
        task.channels == 1 ? task.weight[0] : task.weight[i / task.inner % task.channels];
    const T value = task.grad_output == nullptr ? task.x[i] : task.grad_output[i];
    task.out[i] = task.x[i] > T{0} ? value : weight * value;
  }
}

struct PreluShared {
  double scratch[kPreluThreads / kWarpSize];
};

/// A block for each channel, which adds up in double.
template <typename T>
__global__ void __launch_bounds__(kPreluThreads) prelu_weight_kernel(PreluTask<T> task) {
  auto& shared = *shared_memory<PreluShared>();
  const std::int64_t count = task.outer * task.inner;
  for (std::int64_t c = blockIdx.x; c < task.channels; c += gridDim.x) {
    double mine = 0.0;
    for (std::int64_t k = threadIdx.x; k < count; k += kPreluThreads) {
      const std::int64_t outer = k / task.inner;
      const std::int64_t i = (outer * task.channels + c) * task.inner + (k - outer * task.inner);
      if (!(task.x[i] > T{0})) {
        mine += static_cast<double>(task.grad_output[i]) * static_cast<double>(task.x[i]);
      }
    }
    const double sum = block_sum<kPreluThreads>(mine, shared.scratch);
    if (threadIdx.x == 0) {
      const double before = task.accumulate ? static_cast<double>(task.grad_weight[c]) : 0.0;
      task.grad_weight[c] = static_cast<T>(before + sum);
    }
  }
}

}  // namespace wick::cuda
