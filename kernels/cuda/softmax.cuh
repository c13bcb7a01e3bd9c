// SPDX-License-Identifier: MIT
// The softmax and its logarithm along the middle dimension of (outer, size, inner), and their
// gradients; the formulas are those of kernels/cpu/simd/softmax.h.
//
// Where inner is 1, short rows belong to a warp each and long ones to a block; else each column
// belongs to a thread, whose neighbours read the neighbours.
#pragma once

#include "kernels/cuda/online_sum.cuh"
#include "kernels/cuda/pack.cuh"
#include "kernels/cuda/reduce.cuh"

namespace wick::cuda {

inline constexpr int kSoftmaxThreads = 256;

/// A softmax of x, or, with a gradient by its output, the gradient; then x is the output.
template <typename T>
struct SoftmaxTask {
  const T* x;
  const T* grad_output;  // or null
  T* out;
  std::int64_t outer;
  std::int64_t size;
  std::int64_t inner;
  bool log;
};

template <typename T>
struct SoftmaxShared {
  T scratch[kSoftmaxThreads / kWarpSize];
};

/// For one row and the threads that share it: `Threads` is a warp's or a block's number of them.
template <int Threads, typename T>
__device__ inline T row_sum(T value, T* scratch) {
  if constexpr (Threads == kWarpSize) {
    return warp_sum(value);
  } else {
    return block_sum<Threads>(value, scratch);
  }
}
template <int Threads, typename T>
__device__ inline T row_max(T value, T* scratch) {
  if constexpr (Threads == kWarpSize) {
    return warp_max(value);
  } else {
    return block_max<Threads>(value, scratch);
  }
}

template <int N, int Threads, typename T>
__device__ inline void softmax_row(const T* x, T* y, std::int64_t size, bool log, int lane,
                                   T* scratch) {
  T largest = static_cast<T>(-INFINITY);
  for (std::int64_t i = lane * N; i < size; i += Threads * N) {
    const Pack<T, N> pack = load_pack<N>(x + i);
    for (int j = 0; j < N; ++j) largest = pack[j] > largest ? pack[j] : largest;
  }
  largest = row_max<Threads>(largest, scratch);
  T sum{0};
  for (std::int64_t i = lane * N; i < size; i += Threads * N) {
    const Pack<T, N> pack = load_pack<N>(x + i);
    for (int j = 0; j < N; ++j) sum += exponential(pack[j] - largest);
  }
  sum = row_sum<Threads>(sum, scratch);
  const T shift = log ? natural_log(sum) : T{0};
  const T factor = T{1} / sum;
  for (std::int64_t i = lane * N; i < size; i += Threads * N) {
    Pack<T, N> pack = load_pack<N>(x + i);
    for (int j = 0; j < N; ++j) {
      const T value = pack[j] - largest;
      pack[j] = log ? value - shift : exponential(value) * factor;
    }
    store_pack<N>(y + i, pack);
  }
}

template <typename T>
__device__ inline T softmax_gradient(T g, T y, T sum, bool log) {
  return log ? g - exponential(y) * sum : y * (g - sum);
}

template <int N, int Threads, typename T>
__device__ inline void softmax_gradient_row(const T* g, const T* y, T* dx, std::int64_t size,
                                            bool log, int lane, T* scratch) {
  T sum{0};
  for (std::int64_t i = lane * N; i < size; i += Threads * N) {
    const Pack<T, N> grad = load_pack<N>(g + i);
    if (log) {
      for (int j = 0; j < N; ++j) sum += grad[j];
    } else {
      const Pack<T, N> value = load_pack<N>(y + i);
      for (int j = 0; j < N; ++j) sum += grad[j] * value[j];
    }
  }
  sum = row_sum<Threads>(sum, scratch);
  for (std::int64_t i = lane * N; i < size; i += Threads * N) {
    Pack<T, N> grad = load_pack<N>(g + i);
    const Pack<T, N> value = load_pack<N>(y + i);
    for (int j = 0; j < N; ++j) grad[j] = softmax_gradient(grad[j], value[j], sum, log);
    store_pack<N>(dx + i, grad);
  }
}

/// `N` elements per access; with N > 1 it divides the rows, and all pointers are aligned to them.
template <int N, int Threads, typename T>
__global__ void __launch_bounds__(kSoftmaxThreads) softmax_rows_kernel(SoftmaxTask<T> task) {
  auto& shared = *shared_memory<SoftmaxShared<T>>();
  const int lane = static_cast<int>(threadIdx.x) % Threads;
  for (std::int64_t row = grid_thread() / Threads; row < task.outer;
       row += grid_threads() / Threads) {
    const std::int64_t at = row * task.size;
    if (task.grad_output == nullptr) {
      softmax_row<N, Threads>(task.x + at, task.out + at, task.size, task.log, lane,
                              shared.scratch);
    } else {
      softmax_gradient_row<N, Threads>(task.grad_output + at, task.x + at, task.out + at, task.size,
                                       task.log, lane, shared.scratch);
    }
  }
}

template <typename T>
__device__ inline void softmax_column(const T* x, T* y, std::int64_t size, std::int64_t inner,
                                      bool log) {
  T largest = x[0];
  for (std::int64_t i = 1; i < size; ++i) {
    largest = x[i * inner] > largest ? x[i * inner] : largest;
  }
  T sum{0};
  for (std::int64_t i = 0; i < size; ++i) sum += exponential(x[i * inner] - largest);
  const T shift = log ? natural_log(sum) : T{0};
  const T factor = T{1} / sum;
  for (std::int64_t i = 0; i < size; ++i) {
    const T value = x[i * inner] - largest;
    y[i * inner] = log ? value - shift : exponential(value) * factor;
  }
}

template <typename T>
__device__ inline void softmax_gradient_column(const T* g, const T* y, T* dx, std::int64_t size,
                                               std::int64_t inner, bool log) {
  T sum{0};
  for (std::int64_t i = 0; i < size; ++i) sum += log ? g[i * inner] : g[i * inner] * y[i * inner];
  for (std::int64_t i = 0; i < size; ++i) {
    dx[i * inner] = softmax_gradient(g[i * inner], y[i * inner], sum, log);
  }
}

template <typename T>
__global__ void __launch_bounds__(kSoftmaxThreads) softmax_columns_kernel(SoftmaxTask<T> task) {
  const std::int64_t columns = task.outer * task.inner;
  for (std::int64_t c = grid_thread(); c < columns; c += grid_threads()) {
    const std::int64_t outer = c / task.inner;
    const std::int64_t at = outer * task.size * task.inner + (c - outer * task.inner);
    if (task.grad_output == nullptr) {
      softmax_column(task.x + at, task.out + at, task.size, task.inner, task.log);
    } else {
      softmax_gradient_column(task.grad_output + at, task.x + at, task.out + at, task.size,
                              task.inner, task.log);
    }
  }
}

}  // namespace wick::cuda
