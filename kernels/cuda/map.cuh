// SPDX-License-Identifier: MIT
// A function of each element: out[i] = f(a[i]) or f(a[i], b[i]); `out` may be an input.
#pragma once

#include "kernels/cuda/pack.cuh"

namespace wick::cuda {

inline constexpr int kMapThreads = 256;
inline constexpr int kMapUnroll = 4;  // loads under way per thread and operand

/// `Count` packs that are `step` packs apart: all loads first, so that they are under way together.
template <int N, int Count, typename F, typename T>
__device__ inline void map_packs(F f, const T* a, const T* b, T* out, std::int64_t first,
                                 std::int64_t step) {
  Pack<T, N> left[Count];
  Pack<T, N> right[Count];
#pragma unroll
  for (int u = 0; u < Count; ++u) {
    left[u] = load_pack<N>(a + (first + u * step) * N);
    right[u] = b == nullptr ? left[u] : load_pack<N>(b + (first + u * step) * N);
  }
#pragma unroll
  for (int u = 0; u < Count; ++u) {
    for (int j = 0; j < N; ++j) left[u][j] = f(left[u][j], right[u][j]);
    store_pack<N>(out + (first + u * step) * N, left[u]);
  }
}

/// `N` elements per access; with N > 1 all pointers are aligned to N elements. `b` may be null for
/// a function of one argument.
template <int N, typename F, typename T>
__global__ void __launch_bounds__(kMapThreads)
    map_kernel(F f, const T* a, const T* b, T* out, std::int64_t count) {
  const std::int64_t packs = count / N;
  const std::int64_t step = blockDim.x;
  for (std::int64_t begin = blockIdx.x * step * kMapUnroll; begin < packs;
       begin += gridDim.x * step * kMapUnroll) {
    std::int64_t i = begin + threadIdx.x;
    if (begin + step * kMapUnroll <= packs) {
      map_packs<N, kMapUnroll>(f, a, b, out, i, step);
    } else {
      for (; i < packs; i += step) map_packs<N, 1>(f, a, b, out, i, step);
    }
  }
  const std::int64_t rest = packs * N + grid_thread();
  if (rest < count) map_packs<1, 1>(f, a, b, out, rest, step);
}

/// `b` may be null, as for map_kernel.
template <typename F, typename T>
[[nodiscard]] cudaError_t launch_map(const F& f, const T* a, const T* b, T* out, std::int64_t count,
                                     const LaunchContext& context) {
  if (count == 0) return cudaSuccess;
  constexpr std::int64_t kPerBlock = kMapThreads * kMapUnroll;
  if (all_aligned(a, b, out)) {
    constexpr int N = kPackSize<T>;
    return launch({blocks_for(divide_up(count, N), kPerBlock), kMapThreads}, context,
                  map_kernel<N, F, T>, f, a, b, out, count);
  }
  return launch({blocks_for(count, kPerBlock), kMapThreads}, context, map_kernel<1, F, T>, f, a, b,
                out, count);
}

}  // namespace wick::cuda
