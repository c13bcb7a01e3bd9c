// SPDX-License-Identifier: MIT
// Fills memory with random numbers in the order in which PyTorch's CUDA kernels do: thread t draws
// for the elements t, t + threads, t + 2 threads, ...
#pragma once

#include "kernels/cuda/philox.cuh"

namespace wick::cuda {

inline constexpr int kRandomThreads = 256;

template <typename T, typename Numbers>
__global__ void __launch_bounds__(kRandomThreads)
    random_kernel(T* out, std::int64_t count, Numbers numbers, PhiloxSource source) {
  const std::int64_t threads = grid_threads();
  const std::int64_t per_round = threads * kDrawn<T>;
  const PhiloxState state = source.now();
  std::uint64_t position = state.offset / 4;
  for (std::int64_t first = grid_thread(); first < count; first += per_round, ++position) {
    const Drawn<T> drawn =
        numbers(philox_draw(state.seed, position, static_cast<std::uint64_t>(grid_thread())));
    for (int k = 0; k < kDrawn<T>; ++k) {
      const std::int64_t i = first + k * threads;
      if (i < count) out[i] = drawn.values[k];
    }
  }
}

}  // namespace wick::cuda
