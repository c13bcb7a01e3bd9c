// SPDX-License-Identifier: MIT
// out[c] = (accumulate ? out[c] : 0) + sum of column c of x (rows, cols). Elements of X are summed
// as Computed<X>, and the sums stored as Out.
//
// A block takes a tile of columns and a share of the rows; its threads are 8 rows of 32. Where
// several blocks share a tile, each leaves its sums in `partial` (shares, cols), and the last of
// them adds those up.
#pragma once

#include "kernels/cuda/pack.cuh"
#include "kernels/cuda/reduce.cuh"

namespace wick::cuda {

inline constexpr int kColumnLanes = 32;
inline constexpr int kColumnRows = 8;
inline constexpr int kColumnThreads = kColumnLanes * kColumnRows;
inline constexpr int kColumnUnroll = 4;

template <typename X, typename Out>
struct ColumnSumsTask {
  const X* x;
  std::int64_t rows;
  std::int64_t cols;
  std::int64_t stride;
  Out* out;
  bool accumulate;
  std::int64_t tiles;       // of columns
  std::int64_t shares;      // of rows; block = share * tiles + tile
  std::int64_t share_rows;  // rows per share
  Computed<X>* partial;     // (shares, cols), where shares > 1
  unsigned* tickets;        // one per tile
};

template <int N, typename T>
struct ColumnSumsShared {
  T sums[kColumnRows][kColumnLanes * N];
  int is_last;
};

/// Column `col + j` of the rows [begin, end) in steps of kColumnRows.
template <int N, typename X, typename Out>
__device__ inline Pack<Computed<X>, N> sum_rows(const ColumnSumsTask<X, Out>& task,
                                                std::int64_t col, std::int64_t begin,
                                                std::int64_t end) {
  Pack<Computed<X>, N> sums{};
  std::int64_t row = begin;
  constexpr int kStep = kColumnRows * kColumnUnroll;
  for (; row + (kColumnUnroll - 1) * kColumnRows < end; row += kStep) {
    Pack<X, N> loaded[kColumnUnroll];
#pragma unroll
    for (int u = 0; u < kColumnUnroll; ++u) {
      loaded[u] = load_pack<N>(task.x + (row + u * kColumnRows) * task.stride + col);
    }
#pragma unroll
    for (int u = 0; u < kColumnUnroll; ++u) {
      for (int j = 0; j < N; ++j) sums[j] += convert<Computed<X>>(loaded[u][j]);
    }
  }
  for (; row < end; row += kColumnRows) {
    const Pack<X, N> loaded = load_pack<N>(task.x + row * task.stride + col);
    for (int j = 0; j < N; ++j) sums[j] += convert<Computed<X>>(loaded[j]);
  }
  return sums;
}

template <typename X, typename Out>
__device__ inline void store_column(const ColumnSumsTask<X, Out>& task, std::int64_t col,
                                    Computed<X> sum) {
  const Computed<X> before = task.accumulate ? convert<Computed<X>>(task.out[col]) : Computed<X>{0};
  task.out[col] = convert<Out>(before + sum);
}

template <int N, typename X, typename Out>
__global__ void __launch_bounds__(kColumnThreads) column_sums_kernel(ColumnSumsTask<X, Out> task) {
  using T = Computed<X>;
  auto& shared = *shared_memory<ColumnSumsShared<N, T>>();
  const int lane = static_cast<int>(threadIdx.x) % kColumnLanes;
  const int row = static_cast<int>(threadIdx.x) / kColumnLanes;
  const std::int64_t tile = blockIdx.x % task.tiles;
  const std::int64_t share = blockIdx.x / task.tiles;
  const std::int64_t first_col = tile * kColumnLanes * N;
  const std::int64_t col = first_col + lane * N;
  const std::int64_t begin = share * task.share_rows;
  const std::int64_t end =
      begin + task.share_rows < task.rows ? begin + task.share_rows : task.rows;
  Pack<T, N> sums{};
  if (col + N <= task.cols) {
    sums = sum_rows<N>(task, col, begin + row, end);
  } else {
    for (int j = 0; j < N && col + j < task.cols; ++j) {
      sums[j] = sum_rows<1>(task, col + j, begin + row, end)[0];
    }
  }
  for (int j = 0; j < N; ++j) shared.sums[row][lane * N + j] = sums[j];
  __syncthreads();
  // The first threads own a column each; the same ones read back what they leave below.
  const auto mine = static_cast<std::int64_t>(threadIdx.x);
  const bool owner = mine < kColumnLanes * N && first_col + mine < task.cols;
  if (owner) {
    T sum = shared.sums[0][mine];
    for (int r = 1; r < kColumnRows; ++r) sum += shared.sums[r][mine];
    if (task.shares == 1) {
      store_column(task, first_col + mine, sum);
    } else {
      task.partial[share * task.cols + first_col + mine] = sum;
    }
  }
  if (task.shares == 1) return;
  if (!last_block(task.tickets + tile, static_cast<unsigned>(task.shares), &shared.is_last)) return;
  if (owner) {
    T sum{0};
    for (std::int64_t s = 0; s < task.shares; ++s) {
      sum += __ldcg(task.partial + s * task.cols + first_col + mine);
    }
    store_column(task, first_col + mine, sum);
  }
}

}  // namespace wick::cuda
