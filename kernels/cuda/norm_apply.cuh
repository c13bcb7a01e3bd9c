// SPDX-License-Identifier: MIT
// What is computed of each element once the statistics are known, over rows in memory: y from
// NormStat, or the gradient by x from NormFactors.
#pragma once

#include "kernels/cuda/norm.cuh"

namespace wick::cuda {

/// Rows (samples, channels) of pieces.inner elements: row r is of channel r % channels and lies at
/// (r / channels * row_pitch + channel) * inner.
template <typename T>
struct NormApplyTask {
  const T* x;
  const T* grad_output;  // of the gradient
  T* out;
  const T* weight;  // (channels), by element (channels, inner); or none
  const T* bias;    // likewise
  std::int64_t rows;
  std::int64_t row_pitch;  // channels from sample to sample
  RowPieces pieces;
  Divisor channels;
  Divisor rows_per_stat;    // of `by_channel`: unused
  bool by_channel;          // the statistic is the channel's, else that of r / rows_per_stat
  const NormStat* stats;    // of y
  const NormFactors* grad;  // of the gradient
  const T* mean;            // of the gradient, or none
};

/// out = first * scale + (x - mean) * factor + shift, where `first` is the gradient.
template <typename T>
struct NormLine {
  T mean;
  T scale;
  T factor;
  T shift;
};

/// `weight` and `bias` are those of the whole row.
template <typename T>
__device__ inline NormLine<T> line_of_output(const NormStat& stat, double weight, double bias) {
  const T mean = static_cast<T>(stat.mean);
  const double rest = stat.mean - static_cast<double>(mean);
  const double scale = stat.rstd * weight;
  return {mean, T{0}, static_cast<T>(scale), static_cast<T>(bias - rest * scale)};
}
/// `inner`: the weight of what depends on the sums, 1 where those have the weight in them.
template <typename T>
__device__ inline NormLine<T> line_of_gradient(const NormFactors& factors, T mean, double weight,
                                               double inner) {
  return {mean, static_cast<T>(factors.a * weight), static_cast<T>(factors.b * inner),
          static_cast<T>(factors.c * inner)};
}

template <bool Gradient, bool ByElement, typename T>
__device__ inline NormLine<T> line_of(const NormApplyTask<T>& task, std::int64_t row,
                                      std::int64_t channel) {
  const std::int64_t stat = task.by_channel ? channel : task.rows_per_stat.quotient(row);
  const double weight =
      ByElement || task.weight == nullptr ? 1.0 : static_cast<double>(task.weight[channel]);
  if constexpr (Gradient) {
    return line_of_gradient(task.grad[stat], task.mean == nullptr ? T{0} : task.mean[stat], weight,
                            task.by_channel ? weight : 1.0);
  } else {
    const double bias =
        ByElement || task.bias == nullptr ? 0.0 : static_cast<double>(task.bias[channel]);
    return line_of_output<T>(task.stats[stat], weight, bias);
  }
}

/// With N > 1, it divides rows, and all pointers are aligned to N elements.
template <int N, bool Gradient, bool ByElement, typename T>
__global__ void __launch_bounds__(kNormThreads) norm_apply_kernel(NormApplyTask<T> task) {
  const RowPieces& pieces = task.pieces;
  const auto thread = static_cast<int>(threadIdx.x);
  const std::int64_t offset = (thread & ((1 << pieces.log_width) - 1)) * N;
  PiecePosition at(pieces, blockIdx.x * pieces.groups(kNormThreads) + (thread >> pieces.log_width));
  while (at.row < task.rows) {
    const std::int64_t sample = task.channels.quotient(at.row);
    const std::int64_t channel = at.row - sample * task.channels.divisor();
    const std::int64_t base = (sample * task.row_pitch + channel) * pieces.inner;
    const std::int64_t first = at.piece * pieces.piece + offset;
    Pack<T, N> x[kNormUnroll];
    Pack<T, N> g[kNormUnroll];
    load_piece(x, task.x + base, first, pieces, T{0});
    if constexpr (Gradient) load_piece(g, task.grad_output + base, first, pieces, T{0});
    const NormLine<T> line = line_of<Gradient, ByElement>(task, at.row, channel);
#pragma unroll
    for (int u = 0; u < kNormUnroll; ++u) {
      const std::int64_t i = first + (std::int64_t{u} * N << pieces.log_width);
      if (i >= pieces.inner) continue;
      const std::int64_t parameter = channel * pieces.inner + i;
      if constexpr (Gradient) {
        if (ByElement && task.weight != nullptr) {
          const Pack<T, N> weight = load_pack<N>(task.weight + parameter);
          for (int j = 0; j < N; ++j) g[u][j] *= weight[j];
        }
        for (int j = 0; j < N; ++j) {
          x[u][j] = g[u][j] * line.scale + ((x[u][j] - line.mean) * line.factor + line.shift);
        }
      } else {
        for (int j = 0; j < N; ++j) x[u][j] = (x[u][j] - line.mean) * line.factor + line.shift;
        if (ByElement && task.weight != nullptr) {
          const Pack<T, N> weight = load_pack<N>(task.weight + parameter);
          for (int j = 0; j < N; ++j) x[u][j] *= weight[j];
        }
        if (ByElement && task.bias != nullptr) {
          const Pack<T, N> bias = load_pack<N>(task.bias + parameter);
          for (int j = 0; j < N; ++j) x[u][j] += bias[j];
        }
      }
      store_pack<N>(task.out + base + i, x[u]);
    }
    at.advance(pieces);
  }
}

}  // namespace wick::cuda
