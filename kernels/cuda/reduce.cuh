// SPDX-License-Identifier: MIT
// Reductions over warps and blocks, in an order that is always the same, and the ticket by which
// the last block to finish knows that it is the last.
#pragma once

#include "kernels/cuda/launch.cuh"

namespace wick::cuda {

template <typename T>
__device__ inline T warp_sum(T value) {
  for (int offset = kWarpSize / 2; offset > 0; offset /= 2) {
    value += __shfl_xor_sync(kAllLanes, value, offset);
  }
  return value;
}

template <typename T>
__device__ inline T warp_max(T value) {
  for (int offset = kWarpSize / 2; offset > 0; offset /= 2) {
    const T other = __shfl_xor_sync(kAllLanes, value, offset);
    value = other > value ? other : value;
  }
  return value;
}

/// The sum over a block of `Threads` threads, for every thread. `scratch` holds a value per warp in
/// shared memory and may be used again at once.
template <int Threads, typename T>
__device__ inline T block_sum(T value, T* scratch) {
  constexpr int kWarps = Threads / kWarpSize;
  value = warp_sum(value);
  if (threadIdx.x % kWarpSize == 0) scratch[threadIdx.x / kWarpSize] = value;
  __syncthreads();
  T total = scratch[0];
  for (int warp = 1; warp < kWarps; ++warp) total += scratch[warp];
  __syncthreads();
  return total;
}

/// Several sums over the threads that share a piece of work, a warp or a whole block of `Threads`,
/// for each of them. `scratch` holds `Count` values per warp, and is not used where a warp is
/// alone; it may be used again at once.
template <int Threads, int Count, typename T>
__device__ inline void team_sums(T (&values)[Count], T* scratch) {
  for (int k = 0; k < Count; ++k) values[k] = warp_sum(values[k]);
  if constexpr (Threads > kWarpSize) {
    constexpr int kWarps = Threads / kWarpSize;
    const int warp = static_cast<int>(threadIdx.x) / kWarpSize;
    if (threadIdx.x % kWarpSize == 0) {
      for (int k = 0; k < Count; ++k) scratch[warp * Count + k] = values[k];
    }
    __syncthreads();
    for (int k = 0; k < Count; ++k) {
      values[k] = scratch[k];
      for (int w = 1; w < kWarps; ++w) values[k] += scratch[w * Count + k];
    }
    __syncthreads();
  }
}

/// The largest of a block, as block_sum().
template <int Threads, typename T>
__device__ inline T block_max(T value, T* scratch) {
  constexpr int kWarps = Threads / kWarpSize;
  value = warp_max(value);
  if (threadIdx.x % kWarpSize == 0) scratch[threadIdx.x / kWarpSize] = value;
  __syncthreads();
  T largest = scratch[0];
  for (int warp = 1; warp < kWarps; ++warp) {
    largest = scratch[warp] > largest ? scratch[warp] : largest;
  }
  __syncthreads();
  return largest;
}

/// True for all threads of the last of `blocks` blocks to call it with this ticket, whose memory
/// then shows everything that the others wrote before. The ticket is 0 before and after. `is_last`
/// is shared memory.
__device__ inline bool last_block(unsigned* ticket, unsigned blocks, int* is_last) {
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) *is_last = atomicInc(ticket, blocks - 1) == blocks - 1 ? 1 : 0;
  __syncthreads();
  if (*is_last == 0) return false;
  __threadfence();
  return true;
}

}  // namespace wick::cuda
