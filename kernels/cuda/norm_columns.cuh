// SPDX-License-Identifier: MIT
// Normalisation along the columns of a matrix: sums of each column, and what is computed of each
// element with the statistics of its column.
//
// A block's threads are `lanes` packs of columns wide, a power of two, and take as many rows as
// that leaves, with kNormUnroll rows each under way.
#pragma once

#include "kernels/cuda/norm_apply.cuh"

namespace wick::cuda {

template <typename T>
struct NormColumnsTask {
  const T* x;
  const T* grad_output;  // of gradients
  T* out;                // where each element is computed
  std::int64_t rows;
  std::int64_t cols;
  std::int64_t stride;
  int log_lanes;
  std::int64_t tiles;       // of columns
  std::int64_t shares;      // of rows; block = share * tiles + tile
  std::int64_t share_rows;  // rows per share
  double* partial;          // (sums, shares, cols), where shares > 1
  unsigned* tickets;        // one per tile
  // Statistics of the columns, as of NormApplyTask.
  const NormStat* stats;
  const NormFactors* grad;
  const T* weight;
  const T* bias;
  const T* mean;  // or those of the rows, (rows, groups), likewise
  const T* rstd;
  const T* rest;
  std::int64_t groups;
  std::int64_t columns_per_group;
};

template <typename T>
__device__ inline T column_origin(const NormColumnsTask<T>& task, std::int64_t col) {
  const auto count = static_cast<int>(task.rows < kNormOrigin ? task.rows : kNormOrigin);
  const T inverse = T{1} / static_cast<T>(count);
  T origin{0};
  for (int i = 0; i < count; ++i) origin += task.x[i * task.stride + col] * inverse;
  return origin;
}

/// The terms of N columns from `col` on: of d and d d with d = x - origin.
template <int N, typename T>
struct ColumnMoments {
  static constexpr int kSums = 2;
  struct Loaded {
    Pack<T, N> x;
  };
  Pack<T, N> origin;

  __device__ ColumnMoments(const NormColumnsTask<T>& task, std::int64_t col) {
    for (int j = 0; j < N; ++j) origin[j] = column_origin(task, col + j);
  }
  __device__ static Loaded load(const NormColumnsTask<T>& task, std::int64_t /*row*/,
                                std::int64_t at) {
    return {load_pack<N>(task.x + at)};
  }
  __device__ void add(const Loaded& loaded, T (&some)[kSums][N]) const {
    for (int j = 0; j < N; ++j) {
      const T d = loaded.x[j] - origin[j];
      some[0][j] += d;
      some[1][j] += d * d;
    }
  }
};

/// Of g, g d and d with d = x - mean.
template <int N, typename T>
struct ColumnGradients {
  static constexpr int kSums = 3;
  struct Loaded {
    Pack<T, N> x;
    Pack<T, N> g;
  };
  Pack<T, N> origin;

  __device__ ColumnGradients(const NormColumnsTask<T>& task, std::int64_t col) {
    for (int j = 0; j < N; ++j) origin[j] = task.mean[col + j];
  }
  __device__ static Loaded load(const NormColumnsTask<T>& task, std::int64_t /*row*/,
                                std::int64_t at) {
    return {load_pack<N>(task.x + at), load_pack<N>(task.grad_output + at)};
  }
  __device__ void add(const Loaded& loaded, T (&some)[kSums][N]) const {
    for (int j = 0; j < N; ++j) {
      const T d = loaded.x[j] - origin[j];
      some[0][j] += loaded.g[j];
      some[1][j] += loaded.g[j] * d;
      some[2][j] += d;
    }
  }
};

/// Of g and g d r with mean and r of each row. With N > 1 there is one group.
template <int N, typename T>
struct ColumnParameters {
  static constexpr int kSums = 2;
  struct Loaded {
    Pack<T, N> x;
    Pack<T, N> g;
    T mean;
    T rstd;
    T rest;
  };
  std::int64_t group;

  __device__ ColumnParameters(const NormColumnsTask<T>& task, std::int64_t col)
      : group(col / task.columns_per_group) {}
  __device__ Loaded load(const NormColumnsTask<T>& task, std::int64_t row, std::int64_t at) const {
    const std::int64_t of_row = row * task.groups + group;
    return {load_pack<N>(task.x + at), load_pack<N>(task.grad_output + at),
            task.mean == nullptr ? T{0} : task.mean[of_row], task.rstd[of_row], task.rest[of_row]};
  }
  __device__ void add(const Loaded& loaded, T (&some)[kSums][N]) const {
    const T shift = -loaded.rest * loaded.rstd;
    for (int j = 0; j < N; ++j) {
      some[0][j] += loaded.g[j];
      some[1][j] += loaded.g[j] * ((loaded.x[j] - loaded.mean) * loaded.rstd + shift);
    }
  }
};

template <int N, int Sums>
struct NormColumnsShared {
  double sums[Sums][kNormThreads * N];  // (rows, lanes N) of the block
  int is_last;
};

/// `finish` gets (column, sums, origin), where the origin is that of ColumnMoments. With N > 1, it
/// divides cols and stride, and all pointers are aligned to N elements.
template <int N, typename Terms, typename Finish, typename T>
__global__ void __launch_bounds__(kNormThreads)
    norm_column_sums_kernel(NormColumnsTask<T> task, Finish finish) {
  constexpr int kSums = Terms::kSums;
  auto& shared = *shared_memory<NormColumnsShared<N, kSums>>();
  const auto thread = static_cast<int>(threadIdx.x);
  const int lanes = 1 << task.log_lanes;
  const int rows_at_once = kNormThreads >> task.log_lanes;
  const std::int64_t share = task.shares == 1 ? 0 : blockIdx.x / task.tiles;
  const std::int64_t first_col = (blockIdx.x - share * task.tiles) * lanes * N;
  const std::int64_t col = first_col + (thread & (lanes - 1)) * N;
  const std::int64_t begin = share * task.share_rows;
  const std::int64_t end =
      begin + task.share_rows < task.rows ? begin + task.share_rows : task.rows;
  double sums[kSums][N] = {};
  if (col < task.cols) {
    const Terms terms(task, col);
    std::int64_t row = begin + (thread >> task.log_lanes);
    for (; row + (kNormUnroll - 1) * rows_at_once < end; row += kNormUnroll * rows_at_once) {
      typename Terms::Loaded loaded[kNormUnroll];
#pragma unroll
      for (int u = 0; u < kNormUnroll; ++u) {
        const std::int64_t r = row + u * rows_at_once;
        loaded[u] = terms.load(task, r, r * task.stride + col);
      }
      T some[kSums][N] = {};
#pragma unroll
      for (int u = 0; u < kNormUnroll; ++u) terms.add(loaded[u], some);
      for (int s = 0; s < kSums; ++s) {
        for (int j = 0; j < N; ++j) sums[s][j] += static_cast<double>(some[s][j]);
      }
    }
    for (; row < end; row += rows_at_once) {
      T some[kSums][N] = {};
      terms.add(terms.load(task, row, row * task.stride + col), some);
      for (int s = 0; s < kSums; ++s) {
        for (int j = 0; j < N; ++j) sums[s][j] += static_cast<double>(some[s][j]);
      }
    }
  }
  for (int s = 0; s < kSums; ++s) {
    for (int j = 0; j < N; ++j) shared.sums[s][thread * N + j] = sums[s][j];
  }
  __syncthreads();
  // The first threads own a column each; the same ones read back what they leave below.
  const std::int64_t mine = first_col + thread;
  const bool owner = thread < lanes * N && mine < task.cols;
  double total[kSums] = {};
  if (owner) {
    for (int s = 0; s < kSums; ++s) {
      for (int r = 0; r < rows_at_once; ++r) total[s] += shared.sums[s][r * lanes * N + thread];
      if (task.shares > 1) task.partial[(s * task.shares + share) * task.cols + mine] = total[s];
    }
  }
  if (task.shares > 1) {
    unsigned* const ticket = task.tickets + (blockIdx.x - share * task.tiles);
    if (!last_block(ticket, static_cast<unsigned>(task.shares), &shared.is_last)) return;
    if (owner) {
      for (int s = 0; s < kSums; ++s) {
        total[s] = 0.0;
        const double* const partial = task.partial + s * task.shares * task.cols + mine;
#pragma unroll 8
        for (std::int64_t i = 0; i < task.shares; ++i) total[s] += __ldcg(partial + i * task.cols);
      }
    }
  }
  if (!owner) return;
  T origin{0};
  if constexpr (kSums == 2) origin = finish.needs_origin() ? column_origin(task, mine) : T{0};
  finish(mine, total, origin);
}

/// store_pack(), in a place where the compiler does not merge the stores of the elements.
template <int N, typename T>
__device__ inline void store_whole(T* data, const Pack<T, N>& pack) {
#ifdef __CUDA_ARCH__
  if constexpr (std::is_same_v<Pack<T, N>, Pack<float, 4>>) {
    return __stwb(reinterpret_cast<float4*>(data), make_float4(pack[0], pack[1], pack[2], pack[3]));
  } else if constexpr (std::is_same_v<Pack<T, N>, Pack<double, 2>>) {
    return __stwb(reinterpret_cast<double2*>(data), make_double2(pack[0], pack[1]));
  }
#endif
  store_pack<N>(data, pack);
}

/// `Count` rows of a pack of columns, `step` elements apart: all loads first.
template <int N, int Count, bool Gradient, typename T>
__device__ inline void norm_column_packs(const NormColumnsTask<T>& task, const NormLine<T>* lines,
                                         std::int64_t at, std::int64_t step) {
  Pack<T, N> x[Count];
  Pack<T, N> g[Count];
#pragma unroll
  for (int u = 0; u < Count; ++u) {
    x[u] = load_pack<N>(task.x + at + u * step);
    if constexpr (Gradient) g[u] = load_pack<N>(task.grad_output + at + u * step);
  }
#pragma unroll
  for (int u = 0; u < Count; ++u) {
    for (int j = 0; j < N; ++j) {
      const NormLine<T>& line = lines[j];
      const T value = (x[u][j] - line.mean) * line.factor + line.shift;
      x[u][j] = Gradient ? g[u][j] * line.scale + value : value;
    }
    store_whole<N>(task.out + at + u * step, x[u]);
  }
}

/// Each element with the statistics of its column, likewise.
template <int N, bool Gradient, typename T>
__global__ void __launch_bounds__(kNormThreads) norm_columns_kernel(NormColumnsTask<T> task) {
  const auto thread = static_cast<int>(threadIdx.x);
  const int lanes = 1 << task.log_lanes;
  const int rows_at_once = kNormThreads >> task.log_lanes;
  const std::int64_t share = blockIdx.x / task.tiles;
  const std::int64_t tile = blockIdx.x - share * task.tiles;
  const std::int64_t col = (tile * lanes + (thread & (lanes - 1))) * N;
  if (col >= task.cols) return;
  NormLine<T> lines[N];
  for (int j = 0; j < N; ++j) {
    const std::int64_t c = col + j;
    const double weight = task.weight == nullptr ? 1.0 : static_cast<double>(task.weight[c]);
    if constexpr (Gradient) {
      lines[j] = line_of_gradient(task.grad[c], task.mean[c], weight, weight);
    } else {
      const double bias = task.bias == nullptr ? 0.0 : static_cast<double>(task.bias[c]);
      lines[j] = line_of_output<T>(task.stats[c], weight, bias);
    }
  }
  const std::int64_t begin = share * task.share_rows;
  const std::int64_t end =
      begin + task.share_rows < task.rows ? begin + task.share_rows : task.rows;
  const std::int64_t step = rows_at_once * task.stride;
  std::int64_t row = begin + (thread >> task.log_lanes);
  for (; row + (kNormUnroll - 1) * rows_at_once < end; row += kNormUnroll * rows_at_once) {
    norm_column_packs<N, kNormUnroll, Gradient>(task, lines, row * task.stride + col, step);
  }
  for (; row < end; row += rows_at_once) {
    norm_column_packs<N, 1, Gradient>(task, lines, row * task.stride + col, step);
  }
}

}  // namespace wick::cuda
