// SPDX-License-Identifier: MIT
// Rows that are added up by their numbers, in the order of the rows.
//
// A warp takes some columns of a row. The first row with its number adds up all that have it, one
// after the other; the others' warps only find that they are not the first. So sums need no atomic
// operations, and come out as on the CPU, bit for bit; the work grows with the square of the number
// of rows, in units of 32.
#pragma once

#include "kernels/cuda/error_flag.cuh"
#include "kernels/cuda/launch.cuh"

namespace wick::cuda {

inline constexpr int kIndexAddThreads = 256;
inline constexpr int kIndexAddUnroll = 4;  // columns of a lane

template <typename T>
struct IndexAddTask {
  const T* rows;
  std::int64_t cols;
  const std::int64_t* indices;
  std::int64_t count;
  std::int64_t ignore_index;
  std::int64_t source_rows;
  T* sums;
  ErrorFlag* error;
};

/// Whether a row before `i` has its number. For a whole warp.
template <typename T>
__device__ inline bool was_before(const IndexAddTask<T>& task, std::int64_t i, std::int64_t index,
                                  int lane) {
  for (std::int64_t first = 0; first < i; first += kWarpSize) {
    const std::int64_t j = first + lane;
    if (__any_sync(kAllLanes, j < i && task.indices[j] == index) != 0) return true;
  }
  return false;
}

template <typename T>
__global__ void __launch_bounds__(kIndexAddThreads)
    index_add_kernel(IndexAddTask<T> task, std::int64_t stretches) {
  constexpr std::int64_t kStretch = kWarpSize * kIndexAddUnroll;
  const int lane = static_cast<int>(threadIdx.x) % kWarpSize;
  const std::int64_t all = task.count * stretches;
  for (std::int64_t w = grid_thread() / kWarpSize; w < all; w += grid_threads() / kWarpSize) {
    const std::int64_t i = w / stretches;
    const std::int64_t begin = (w - i * stretches) * kStretch + lane;
    const std::int64_t index = task.indices[i];
    if (index == task.ignore_index) continue;
    if (index < 0 || index >= task.source_rows) {
      if (lane == 0 && w == i * stretches) {
        report_out_of_range(task.error, CheckedOperation::index_add, i, index, task.source_rows);
      }
      continue;
    }
    if (was_before(task, i, index, lane)) continue;
    T* const sums = task.sums + index * task.cols;
    T sum[kIndexAddUnroll];
#pragma unroll
    for (int k = 0; k < kIndexAddUnroll; ++k) {
      const std::int64_t c = begin + k * kWarpSize;
      sum[k] = c < task.cols ? sums[c] : T{0};
    }
    for (std::int64_t first = i; first < task.count; first += kWarpSize) {
      const std::int64_t j = first + lane;
      unsigned same = __ballot_sync(kAllLanes, j < task.count && task.indices[j] == index);
      for (std::int64_t next = first; same != 0; ++next, same >>= 1) {
        if ((same & 1U) == 0) continue;
        const T* const row = task.rows + next * task.cols;
#pragma unroll
        for (int k = 0; k < kIndexAddUnroll; ++k) {
          const std::int64_t c = begin + k * kWarpSize;
          if (c < task.cols) sum[k] += row[c];
        }
      }
    }
#pragma unroll
    for (int k = 0; k < kIndexAddUnroll; ++k) {
      const std::int64_t c = begin + k * kWarpSize;
      if (c < task.cols) sums[c] = sum[k];
    }
  }
}

}  // namespace wick::cuda
