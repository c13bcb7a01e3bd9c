// SPDX-License-Identifier: MIT
// The largest element of each row: a group of 32 or 256 threads per row. The first of equals wins,
// and a NaN counts as the largest (torch.argmax).
#pragma once

#include "kernels/cuda/reduce.cuh"

namespace wick::cuda {

inline constexpr int kArgmaxThreads = 256;
inline constexpr int kArgmaxWarps = kArgmaxThreads / kWarpSize;

template <typename T>
struct Largest {
  T value;
  std::int64_t index;  // negative: none yet
};

/// Whether a takes the place of b; with `Max` false, whether it is smaller.
template <bool Max = true, typename T>
__host__ __device__ inline bool is_larger(const Largest<T>& a, const Largest<T>& b) {
  if (a.index < 0 || b.index < 0) return b.index < 0 && a.index >= 0;
  const bool a_nan = a.value != a.value;
  const bool b_nan = b.value != b.value;
  if (a_nan != b_nan) return a_nan;
  if (!a_nan && a.value != b.value) return Max ? a.value > b.value : a.value < b.value;
  return a.index < b.index;
}

template <typename T>
struct ArgmaxShared {
  Largest<T> best[kArgmaxWarps];
  unsigned long long hits[kArgmaxWarps];
  int is_last;
};

/// For the threads of a row, of whom this is number `member`; every one of them gets the answer.
template <int ThreadsPerRow, typename T>
__device__ inline std::int64_t row_argmax(const T* row, std::int64_t cols, int member,
                                          ArgmaxShared<T>& shared) {
  Largest<T> best{T{0}, -1};
  for (std::int64_t c = member; c < cols; c += ThreadsPerRow) {
    const Largest<T> here{row[c], c};
    if (is_larger(here, best)) best = here;
  }
  for (int offset = kWarpSize / 2; offset > 0; offset /= 2) {
    const Largest<T> other{__shfl_xor_sync(kAllLanes, best.value, offset),
                           __shfl_xor_sync(kAllLanes, best.index, offset)};
    if (is_larger(other, best)) best = other;
  }
  if constexpr (ThreadsPerRow > kWarpSize) {
    if (member % kWarpSize == 0) shared.best[member / kWarpSize] = best;
    __syncthreads();
    best = shared.best[0];
    for (int w = 1; w < kArgmaxWarps; ++w) {
      if (is_larger(shared.best[w], best)) best = shared.best[w];
    }
    __syncthreads();
  }
  return best.index;
}

/// Calls visit(row, argmax) for each row; for all threads of the row.
template <int ThreadsPerRow, typename T, typename Visit>
__device__ inline void for_each_argmax(const T* x, std::int64_t rows, std::int64_t cols,
                                       std::int64_t stride, ArgmaxShared<T>& shared, Visit visit) {
  const std::int64_t step = grid_threads() / ThreadsPerRow;
  const int member = static_cast<int>(threadIdx.x) % ThreadsPerRow;
  for (std::int64_t r = grid_thread() / ThreadsPerRow; r < rows; r += step) {
    visit(r, row_argmax<ThreadsPerRow>(x + r * stride, cols, member, shared));
  }
}

template <int ThreadsPerRow, typename T>
__global__ void __launch_bounds__(kArgmaxThreads)
    argmax_kernel(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride,
                  std::int64_t* out) {
  auto& shared = *shared_memory<ArgmaxShared<T>>();
  const bool first = threadIdx.x % ThreadsPerRow == 0;
  for_each_argmax<ThreadsPerRow>(x, rows, cols, stride, shared,
                                 [=](std::int64_t r, std::int64_t largest) {
                                   if (first) out[r] = largest;
                                 });
}

/// `count` and `ticket` are 0 before and after.
template <int ThreadsPerRow, typename T>
__global__ void __launch_bounds__(kArgmaxThreads)
    count_hits_kernel(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride,
                      const std::int64_t* labels, std::int64_t* hits, bool accumulate,
                      unsigned long long* count, unsigned* ticket) {
  auto& shared = *shared_memory<ArgmaxShared<T>>();
  unsigned long long mine = 0;
  const bool first = threadIdx.x % ThreadsPerRow == 0;
  for_each_argmax<ThreadsPerRow>(x, rows, cols, stride, shared,
                                 [&](std::int64_t r, std::int64_t largest) {
                                   if (first && largest == labels[r]) ++mine;
                                 });
  const unsigned long long block = block_sum<kArgmaxThreads>(mine, shared.hits);
  if (threadIdx.x == 0) atomicAdd(count, block);
  if (!last_block(ticket, gridDim.x, &shared.is_last)) return;
  if (threadIdx.x == 0) {
    const auto total = static_cast<std::int64_t>(atomicExch(count, 0ULL));
    *hits = accumulate ? *hits + total : total;
  }
}

}  // namespace wick::cuda
