// SPDX-License-Identifier: MIT
// Sums, means and extremes along the middle dimension of x (outer, size, inner), with any strides.
//
// A block takes a tile of outputs and a part of the dimension; `along` threads share an output, and
// add up what they have by halves. Where there are several parts, each leaves what it has in
// `partial` (parts, outputs), which the same kernel then reduces.
#pragma once

#include "kernels/cuda/argmax.cuh"
#include "kernels/cuda/launch.cuh"

namespace wick::cuda {

inline constexpr int kReduceThreads = 256;

template <typename T>
struct ReduceTask {
  const T* x;
  std::int64_t outer;
  std::int64_t size;
  std::int64_t inner;
  std::int64_t outer_stride;
  std::int64_t size_stride;
  std::int64_t inner_stride;
  int along;  // a power of two, from 2 to kReduceThreads
  bool rows;  // neighbouring threads share an output; else they have neighbouring ones
  std::int64_t parts;
  std::int64_t part_size;
};

/// Sums and means. Acc: float64 of floats, unsigned 64 bits, which wrap, of integers.
template <typename Acc, typename Out>
struct SumReduction {
  using Sum = Acc;
  Out* out;
  Acc divisor;

  __device__ static Sum none() { return Sum{0}; }
  template <typename T>
  __device__ static void add(Sum& sum, T value, std::int64_t /*position*/) {
    sum += static_cast<Sum>(value);
  }
  __device__ static void join(Sum& sum, const Sum& other) { sum += other; }
  __device__ void store(std::int64_t at, const Sum& sum) const {
    out[at] = static_cast<Out>(sum / divisor);
  }
};

template <bool Max, typename T>
struct ExtremeReduction {
  using Sum = Largest<T>;
  T* out;                 // or null
  std::int64_t* indices;  // or null

  __device__ static Sum none() { return {T{0}, -1}; }
  __device__ static void add(Sum& best, T value, std::int64_t position) {
    join(best, {value, position});
  }
  __device__ static void add(Sum& best, const Sum& other, std::int64_t /*position*/) {
    join(best, other);
  }
  __device__ static void join(Sum& best, const Sum& other) {
    if (is_larger<Max>(other, best)) best = other;
  }
  __device__ void store(std::int64_t at, const Sum& best) const {
    if (out != nullptr) out[at] = best.value;
    if (indices != nullptr) indices[at] = best.index;
  }
};

template <typename Sum>
struct ReduceShared {
  Sum sums[kReduceThreads];
};

template <typename Reduction, typename T>
__global__ void __launch_bounds__(kReduceThreads)
    reduce_kernel(Reduction reduction, ReduceTask<T> task, typename Reduction::Sum* partial) {
  using Sum = typename Reduction::Sum;
  Sum* const sums = shared_memory<ReduceShared<Sum>>()->sums;
  const int across = kReduceThreads / task.along;
  const int thread = static_cast<int>(threadIdx.x);
  const int member = task.rows ? thread % task.along : thread / across;
  const int lane = task.rows ? thread / task.along : thread % across;
  const std::int64_t outputs = task.outer * task.inner;
  const std::int64_t units = (outputs + across - 1) / across * task.parts;
  for (std::int64_t unit = blockIdx.x; unit < units; unit += gridDim.x) {
    const std::int64_t part = unit % task.parts;
    const std::int64_t output = unit / task.parts * across + lane;
    Sum sum = Reduction::none();
    if (output < outputs) {
      const std::int64_t outer = output / task.inner;
      const T* const x =
          task.x + outer * task.outer_stride + (output - outer * task.inner) * task.inner_stride;
      const std::int64_t begin = part * task.part_size;
      const std::int64_t end =
          begin + task.part_size < task.size ? begin + task.part_size : task.size;
#pragma unroll 4
      for (std::int64_t i = begin + member; i < end; i += task.along) {
        Reduction::add(sum, x[i * task.size_stride], i);
      }
    }
    sums[member * across + lane] = sum;
    for (int half = task.along / 2; half > 0; half /= 2) {
      __syncthreads();
      if (member < half) {
        Reduction::join(sums[member * across + lane], sums[(member + half) * across + lane]);
      }
    }
    if (member == 0 && output < outputs) {
      if (task.parts == 1) {
        reduction.store(output, sums[lane]);
      } else {
        partial[part * outputs + output] = sums[lane];
      }
    }
    __syncthreads();
  }
}

}  // namespace wick::cuda
