// SPDX-License-Identifier: MIT
// How kernels are started, and what each of them needs of its block: the one place that knows
// launch configurations and shared memory.
//
// All shared memory is dynamic, as one struct per kernel: the launch says its size, the kernel asks
// for it by type.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <cuda_runtime.h>

#include "kernels/cuda/launchers.h"

namespace wick::cuda {

inline constexpr int kWarpSize = 32;
inline constexpr unsigned kAllLanes = 0xFFFFFFFFU;

struct Grid {
  std::int64_t blocks = 0;  // along x; 0: nothing to do
  int threads = 0;
  std::size_t shared_bytes = 0;
  bool cooperative = false;  // all blocks run at the same time
  int cluster = 1;           // so many neighbouring blocks do
};

/// A grid in the runtime's words. Neither copied nor moved: it points to itself.
struct LaunchConfig {
  LaunchConfig(const Grid& grid, const LaunchContext& context) {
    config.gridDim = dim3(static_cast<unsigned>(grid.blocks));
    config.blockDim = dim3(static_cast<unsigned>(grid.threads));
    config.dynamicSmemBytes = grid.shared_bytes;
    config.stream = context.stream;
    if (grid.cooperative) {
      attribute.id = cudaLaunchAttributeCooperative;
      attribute.val.cooperative = 1;
    } else if (grid.cluster > 1) {
      attribute.id = cudaLaunchAttributeClusterDimension;
      attribute.val.clusterDim = {static_cast<unsigned>(grid.cluster), 1, 1};
    }
    config.attrs = &attribute;
    config.numAttrs = grid.cooperative || grid.cluster > 1 ? 1 : 0;
  }
  LaunchConfig(const LaunchConfig&) = delete;
  LaunchConfig& operator=(const LaunchConfig&) = delete;

  cudaLaunchConfig_t config{};
  cudaLaunchAttribute attribute{};
};

/// Starts `kernel` on the context's stream. Arguments travel by value.
template <typename... Expected, typename... Given>
[[nodiscard]] cudaError_t launch(const Grid& grid, const LaunchContext& context,
                                 void (*kernel)(Expected...), const Given&... arguments) {
  if (grid.blocks <= 0) return cudaSuccess;
  const LaunchConfig launched(grid, context);
  return cudaLaunchKernelEx(&launched.config, kernel, arguments...);
}

[[nodiscard]] constexpr std::int64_t divide_up(std::int64_t count, std::int64_t by) {
  return (count + by - 1) / by;
}

/// Enough blocks for `count` items at `per_block` each, as far as a grid goes; kernels go round.
[[nodiscard]] constexpr std::int64_t blocks_for(std::int64_t count, std::int64_t per_block) {
  constexpr std::int64_t kMostBlocks = 2147483647;
  return std::min(divide_up(count, per_block), kMostBlocks);
}

/// The same, but no more blocks than `waves` times what the device holds at once.
[[nodiscard]] inline std::int64_t resident_blocks(std::int64_t count, std::int64_t per_block,
                                                  int threads, int waves,
                                                  const LaunchContext& context) {
  const std::int64_t at_once = std::int64_t{context.multiprocessors} *
                               std::max(1, context.threads_per_multiprocessor / threads);
  return std::min(blocks_for(count, per_block), at_once * waves);
}

/// This thread's number in the grid, and how many there are.
__device__ inline std::int64_t grid_thread() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ inline std::int64_t grid_threads() {
  return static_cast<std::int64_t>(gridDim.x) * blockDim.x;
}

/// The block's shared memory, aligned to 16 bytes.
template <typename T>
__device__ inline T* shared_memory() {
#ifdef __CUDACC__
  extern __shared__ __align__(16) unsigned char wick_shared_memory[];
  return reinterpret_cast<T*>(wick_shared_memory);
#else
  return reinterpret_cast<T*>(simt::dynamic_shared());
#endif
}

}  // namespace wick::cuda
