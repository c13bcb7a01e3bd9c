// SPDX-License-Identifier: MIT
// Dropout with the numbers of PyTorch's fused kernel, and the product with its mask.
#pragma once

#include "kernels/cuda/map.cuh"
#include "kernels/cuda/philox.cuh"

namespace wick::cuda {

inline constexpr int kDropoutThreads = 256;
inline constexpr int kDropoutUnroll = 4;  // numbers of a draw

template <typename T>
struct DropoutTask {
  const T* x;
  T* y;
  unsigned char* mask;
  std::int64_t count;
  T keep;   // the probability
  T scale;  // of what is kept
  PhiloxSource source;

  __device__ T apply(T value, bool kept) const { return value * (kept ? T{1} : T{0}) * scale; }
};

/// A thread takes `N` neighbours at a time, 1 < N <= 4, and draws anew for them, however few they
/// are. `Aligned`: they are read and written at once.
template <int N, bool Aligned, typename T>
__global__ void __launch_bounds__(kDropoutThreads) dropout_kernel(DropoutTask<T> task) {
  const PhiloxState state = task.source.now();
  std::uint64_t position = state.offset / 4;
  const auto thread = static_cast<std::uint64_t>(grid_thread());
  for (std::int64_t i = grid_thread() * N; i < task.count; i += grid_threads() * N, ++position) {
    const PhiloxWords words = philox_draw(state.seed, position, thread);
    Pack<T, N> value;
    Pack<unsigned char, N> mask;
    if constexpr (Aligned) {
      value = load_pack<N>(task.x + i);
    } else {
      for (int j = 0; j < N; ++j) value[j] = task.x[i + j];
    }
    for (int j = 0; j < N; ++j) {
      const bool kept = static_cast<T>(uniform_float(words.w[j])) < task.keep;
      mask[j] = kept ? 1 : 0;
      value[j] = task.apply(value[j], kept);
    }
    if constexpr (Aligned) {
      store_pack<N>(task.y + i, value);
      store_pack<N>(task.mask + i, mask);
    } else {
      for (int j = 0; j < N; ++j) {
        task.y[i + j] = value[j];
        task.mask[i + j] = mask[j];
      }
    }
  }
}

/// Element by element: the four numbers of a draw are for elements that are a grid apart.
template <typename T>
__global__ void __launch_bounds__(kDropoutThreads) dropout_single_kernel(DropoutTask<T> task) {
  const PhiloxState state = task.source.now();
  std::uint64_t position = state.offset / 4;
  const auto thread = static_cast<std::uint64_t>(grid_thread());
  const std::int64_t threads = grid_threads();
  for (std::int64_t first = grid_thread(); first < task.count;
       first += threads * kDropoutUnroll, ++position) {
    const PhiloxWords words = philox_draw(state.seed, position, thread);
    for (int k = 0; k < kDropoutUnroll; ++k) {
      const std::int64_t i = first + k * threads;
      if (i >= task.count) break;
      const bool kept = static_cast<T>(uniform_float(words.w[k])) < task.keep;
      task.y[i] = task.apply(task.x[i], kept);
      task.mask[i] = kept ? 1 : 0;
    }
  }
}

template <int N, typename T>
__device__ inline void masked_scale(const T* x, const unsigned char* mask, T scale, T* y) {
  Pack<T, N> value = load_pack<N>(x);
  const Pack<unsigned char, N> kept = load_pack<N>(mask);
  for (int j = 0; j < N; ++j) value[j] = value[j] * (kept[j] != 0 ? scale : T{0});
  store_pack<N>(y, value);
}

/// With N > 1 all pointers are aligned to N elements.
template <int N, typename T>
__global__ void __launch_bounds__(kMapThreads)
    masked_scale_kernel(const T* x, const unsigned char* mask, T scale, T* y, std::int64_t count) {
  const std::int64_t packs = count / N;
  for (std::int64_t i = grid_thread(); i < packs; i += grid_threads()) {
    masked_scale<N>(x + i * N, mask + i * N, scale, y + i * N);
  }
  const std::int64_t rest = packs * N + grid_thread();
  if (rest < count) masked_scale<1>(x + rest, mask + rest, scale, y + rest);
}

}  // namespace wick::cuda
