// SPDX-License-Identifier: MIT
// Kernels that go over memory once: fill, and what is left of a product.
#pragma once

#include "kernels/cuda/map.cuh"
#include "kernels/formulas/scalar_math.h"
#include "kernels/formulas/unary.h"
#include "wick/core/backend/elementwise.h"

namespace wick::cuda {

/// Sixteen bytes that repeat.
struct Pattern {
  alignas(16) unsigned char bytes[16];
};

/// Fills `middle` packs of 16 bytes behind `head` single bytes, and `tail` bytes behind those. The
/// pattern begins at data[0].
static __global__ void __launch_bounds__(kMapThreads)
    fill_kernel(unsigned char* data, int head, std::int64_t middle, int tail, Pattern pattern) {
  Pattern rotated;
  for (int i = 0; i < 16; ++i) rotated.bytes[i] = pattern.bytes[(i + head) % 16];
  unsigned char* const aligned = data + head;
  for (std::int64_t i = grid_thread(); i < middle; i += grid_threads()) {
    *reinterpret_cast<Pattern*>(aligned + i * 16) = rotated;
  }
  if (grid_thread() < head) data[grid_thread()] = pattern.bytes[grid_thread()];
  if (grid_thread() < tail) aligned[middle * 16 + grid_thread()] = rotated.bytes[grid_thread()];
}

/// One operation per element of a matrix of `cols` columns, in place: plus bias, ReLU, mask. Each
/// warp takes a stretch of a row; `N` divides where the rows' stretches begin.
template <typename T>
struct EpilogueTask {
  T* c;
  std::int64_t rows;
  std::int64_t cols;
  std::int64_t stride;
  const T* bias;  // or null
  bool relu;
  const T* mask;  // or null
  std::int64_t mask_stride;
  unsigned* bits;            // that the ReLU leaves, or null
  std::int64_t bits_stride;  // in words
};

template <int N, typename T>
__device__ inline Pack<T, N> epilogue(const EpilogueTask<T>& task, std::int64_t row,
                                      std::int64_t col, Pack<T, N> value) {
  using Wide = Computed<T>;
  using M = formulas::ScalarMath<Wide>;
  using Relu = formulas::Unary<UnaryOp::relu>;
  if (task.bias != nullptr) {
    for (int j = 0; j < N; ++j) {
      value[j] = convert<T>(convert<Wide>(value[j]) + convert<Wide>(task.bias[col + j]));
    }
  }
  if (task.relu) {
    for (int j = 0; j < N; ++j) {
      value[j] = convert<T>(Relu::template forward<M>(convert<Wide>(value[j]), {}));
    }
  }
  if (task.mask != nullptr) {
    const Pack<T, N> mask = load_pack<N>(task.mask + row * task.mask_stride + col);
    for (int j = 0; j < N; ++j) {
      value[j] = convert<T>(
          Relu::template backward<M>(convert<Wide>(value[j]), convert<Wide>(mask[j]), {}));
    }
  }
  return value;
}

/// A bit for each element that a ReLU has let through: the first element's is the lowest.
template <int N, typename T>
__device__ inline unsigned passed_bits(const Pack<T, N>& value) {
  unsigned bits = 0;
  for (int j = 0; j < N; ++j) {
    if (!(convert<Computed<T>>(value[j]) <= Computed<T>{0})) bits |= 1U << j;  // NaN passes
  }
  return bits;
}

/// The whole warp's bits, `N` from each lane, to words from `to` on, of which `count` are there.
template <int N>
__device__ inline void store_bits(unsigned* to, std::int64_t count, int lane, unsigned bits) {
  constexpr int kLanes = kWarpSize / N;  // that make a word
  unsigned word = bits << (lane % kLanes * N);
#pragma unroll
  for (int offset = 1; offset < kLanes; offset *= 2) {
    word |= __shfl_xor_sync(kAllLanes, word, offset);
  }
  if (lane % kLanes == 0 && lane / kLanes < count) to[lane / kLanes] = word;
}

template <int N, typename T>
__global__ void __launch_bounds__(kMapThreads)
    epilogue_kernel(EpilogueTask<T> task, std::int64_t stretches_per_row) {
  constexpr int kStretch = kWarpSize * N * kMapUnroll;
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  const std::int64_t stretches = task.rows * stretches_per_row;
  for (std::int64_t i = grid_thread() / kWarpSize; i < stretches; i += grid_threads() / kWarpSize) {
    const std::int64_t row = i / stretches_per_row;
    const std::int64_t begin = (i - row * stretches_per_row) * kStretch;
    const std::int64_t end = begin + kStretch < task.cols ? begin + kStretch : task.cols;
    T* const c = task.c + row * task.stride;
    for (std::int64_t first = begin; first < end; first += kWarpSize * N) {  // of the warp
      const std::int64_t col = first + lane * N;
      unsigned bits = 0;
      if (col + N <= end) {
        const Pack<T, N> value = epilogue<N>(task, row, col, load_pack<N>(c + col));
        store_pack<N>(c + col, value);
        bits = passed_bits<N>(value);
      } else {
        for (int j = 0; col + j < end; ++j) {
          const Pack<T, 1> value = epilogue<1>(task, row, col + j, Pack<T, 1>{{c[col + j]}});
          c[col + j] = value[0];
          bits |= passed_bits<1>(value) << j;
        }
      }
      if (task.bits != nullptr) {
        store_bits<N>(task.bits + row * task.bits_stride + first / 32, divide_up(end - first, 32),
                      lane, bits);
      }
    }
  }
}

/// See launch_move_error(); one thread.
static __global__ void move_error_kernel(ErrorFlag* from, ErrorFlag* to) {
  if (from->operation == CheckedOperation::none) return;
  if (to->operation == CheckedOperation::none) *to = *from;
  *from = {};
}

/// ++*counter; one thread.
static __global__ void advance_kernel(std::int64_t* counter, std::int64_t by) {
  *counter += by;
}

}  // namespace wick::cuda
