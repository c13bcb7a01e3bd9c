// SPDX-License-Identifier: MIT
// PReLU and its gradients, for (outer, channels, inner) elements. They go over memory as
// normalisations do, whose sums of channels and columns are these here, too.
#pragma once

#include "kernels/cuda/norm_columns.cuh"
#include "kernels/cuda/norm_sums.cuh"

namespace wick::cuda {

/// x > 0 ? v : weight * v, where v is x or the gradient, for a weight that all elements have.
template <typename T>
struct PreluOfOne {
  const T* weight;
  __device__ T operator()(T x, T v) const { return x > T{0} ? v : weight[0] * v; }
};

/// Rows of pieces.inner elements, each with the weight of its channel, r % channels, or, by
/// element, with those of `weight`.
template <typename T>
struct PreluTask {
  const T* x;
  const T* grad_output;  // or null
  const T* weight;
  T* out;
  std::int64_t rows;
  RowPieces pieces;
  Divisor channels;
};

/// With N > 1, it divides rows, and all pointers are aligned to N elements.
template <int N, bool ByElement, typename T>
__global__ void __launch_bounds__(kNormThreads) prelu_kernel(PreluTask<T> task) {
  const RowPieces& pieces = task.pieces;
  const auto thread = static_cast<int>(threadIdx.x);
  const std::int64_t offset = (thread & ((1 << pieces.log_width) - 1)) * N;
  PiecePosition at(pieces, blockIdx.x * pieces.groups(kNormThreads) + (thread >> pieces.log_width));
  while (at.row < task.rows) {
    const std::int64_t base = at.row * pieces.inner;
    const std::int64_t first = at.piece * pieces.piece + offset;
    Pack<T, N> x[kNormUnroll];
    Pack<T, N> value[kNormUnroll];
    load_piece(x, task.x + base, first, pieces, T{0});
    if (task.grad_output != nullptr) {
      load_piece(value, task.grad_output + base, first, pieces, T{0});
    }
    T weight{0};
    if constexpr (!ByElement) {
      const std::int64_t outer = task.channels.quotient(at.row);
      weight = task.weight[at.row - outer * task.channels.divisor()];
    }
#pragma unroll
    for (int u = 0; u < kNormUnroll; ++u) {
      const std::int64_t i = first + (std::int64_t{u} * N << pieces.log_width);
      if (i >= pieces.inner) continue;
      Pack<T, N> weights = filled<N>(weight);
      if constexpr (ByElement) weights = load_pack<N>(task.weight + i);
      for (int j = 0; j < N; ++j) {
        const T v = task.grad_output == nullptr ? x[u][j] : value[u][j];
        x[u][j] = x[u][j] > T{0} ? v : weights[j] * v;
      }
      store_pack<N>(task.out + base + i, x[u]);
    }
    at.advance(pieces);
  }
}

/// grad_output min(x, 0), in double. NaN counts as negative.
template <typename T>
__device__ inline double prelu_weight_term(T x, T grad_output) {
  return x > T{0} ? 0.0 : static_cast<double>(grad_output) * static_cast<double>(x);
}

/// Of norm_sums_kernel: of a channel.
template <typename T>
struct PreluSums {
  static constexpr int kSums = 1;
  T origin{0};

  __device__ PreluSums(const NormSumsTask<T>& /*task*/, std::int64_t /*stat*/) {}
  template <int N>
  __device__ void add(const NormSumsTask<T>& task, std::int64_t base, std::int64_t /*row*/,
                      std::int64_t at, double (&sums)[kSums]) const {
    Pack<T, N> x[kNormUnroll];
    Pack<T, N> g[kNormUnroll];
    load_piece(x, task.x + base, at, task.pieces, T{0});
    load_piece(g, task.grad_output + base, at, task.pieces, T{0});
#pragma unroll
    for (int u = 0; u < kNormUnroll; ++u) {
      for (int j = 0; j < N; ++j) sums[0] += prelu_weight_term(x[u][j], g[u][j]);
    }
  }
};

/// Of norm_column_sums_kernel: of a column. Its sums of a few rows are in T.
template <int N, typename T>
struct PreluColumns {
  static constexpr int kSums = 1;
  struct Loaded {
    Pack<T, N> x;
    Pack<T, N> g;
  };

  __device__ PreluColumns(const NormColumnsTask<T>& /*task*/, std::int64_t /*col*/) {}
  __device__ static Loaded load(const NormColumnsTask<T>& task, std::int64_t /*row*/,
                                std::int64_t at) {
    return {load_pack<N>(task.x + at), load_pack<N>(task.grad_output + at)};
  }
  __device__ void add(const Loaded& loaded, T (&some)[kSums][N]) const {
    for (int j = 0; j < N; ++j) {
      some[0][j] += loaded.x[j] > T{0} ? T{0} : loaded.g[j] * loaded.x[j];
    }
  }
};

/// What becomes of the sum of channel c.
template <typename T>
struct KeepPreluWeight {
  T* grad_weight;
  bool accumulate;

  template <typename Sums>
  __device__ void operator()(std::int64_t c, const Sums& sums, T /*origin*/) const {
    const double before = accumulate ? static_cast<double>(grad_weight[c]) : 0.0;
    grad_weight[c] = static_cast<T>(before + sums[0]);
  }
};

}  // namespace wick::cuda
