// SPDX-License-Identifier: MIT
// The sums of a normalisation over rows in memory: of each statistic, or of each channel's
// parameters. What becomes of them is a functor's, called once for each with
// (number, sums, origin).
//
// A team of threads, a warp or a block, takes a statistic, or where there are few of them, a share
// of its rows; the last block of a statistic then adds up what the shares have left in `partial`.
#pragma once

#include "kernels/cuda/norm.cuh"

namespace wick::cuda {

/// Statistic s has the rows s * stat_pitch + i * row_pitch, i < rows, of pieces.inner elements.
template <typename T>
struct NormSumsTask {
  const T* x;
  const T* grad_output;  // of gradients
  std::int64_t stats;
  std::int64_t rows;
  std::int64_t stat_pitch;
  std::int64_t row_pitch;
  RowPieces pieces;
  bool centred;
  // Of the gradients by the statistics.
  const T* mean;    // (stats) or none
  const T* weight;  // of p, or none: of each row, or where `by_element`, of each element
  bool by_element;
  std::int64_t groups;  // statistic s has the weights from s % groups * weight_pitch on
  std::int64_t weight_pitch;
  // Of the gradients by the parameters, where statistic s is a channel and a row a sample's: that
  // of row i is i * groups + s / channels_per_group, in mean, rstd and rest.
  const T* rstd;
  const T* rest;
  std::int64_t channels_per_group;
  // Of shares.
  std::int64_t shares;
  double* partial;    // (stats, shares, sums)
  unsigned* tickets;  // one per statistic
};

/// Of d and d d with d = x - origin.
template <typename T>
struct MomentSums {
  static constexpr int kSums = 2;
  T origin{0};

  __device__ MomentSums(const NormSumsTask<T>& task, std::int64_t stat) {
    if (!task.centred) return;
    const T* const row = task.x + stat * task.stat_pitch;
    const auto count =
        static_cast<int>(task.pieces.inner < kNormOrigin ? task.pieces.inner : kNormOrigin);
    const T inverse = T{1} / static_cast<T>(count);
    for (int i = 0; i < count; ++i) origin += row[i] * inverse;
  }
  template <int N>
  __device__ void add(const NormSumsTask<T>& task, std::int64_t base, std::int64_t /*row*/,
                      std::int64_t at, double (&sums)[kSums]) const {
    Pack<T, N> x[kNormUnroll];
    load_piece(x, task.x + base, at, task.pieces, origin);
    T some[2] = {T{0}, T{0}};
#pragma unroll
    for (int u = 0; u < kNormUnroll; ++u) {
      for (int j = 0; j < N; ++j) {
        const T d = x[u][j] - origin;
        some[0] += d;
        some[1] += d * d;
      }
    }
    for (int s = 0; s < kSums; ++s) sums[s] += static_cast<double>(some[s]);
  }
};

/// Of p, p d and d with d = x - mean.
template <typename T>
struct GradientSums {
  static constexpr int kSums = 3;
  T origin{0};
  const T* weight = nullptr;

  __device__ GradientSums(const NormSumsTask<T>& task, std::int64_t stat) {
    if (task.mean != nullptr) origin = task.mean[stat];
    if (task.weight != nullptr) weight = task.weight + stat % task.groups * task.weight_pitch;
  }
  template <int N>
  __device__ void add(const NormSumsTask<T>& task, std::int64_t base, std::int64_t row,
                      std::int64_t at, double (&sums)[kSums]) const {
    Pack<T, N> x[kNormUnroll];
    Pack<T, N> g[kNormUnroll];
    load_piece(x, task.x + base, at, task.pieces, origin);
    load_piece(g, task.grad_output + base, at, task.pieces, T{0});
    if (weight != nullptr && task.by_element) {
      Pack<T, N> w[kNormUnroll];
      load_piece(w, weight, at, task.pieces, T{0});
#pragma unroll
      for (int u = 0; u < kNormUnroll; ++u) {
        for (int j = 0; j < N; ++j) g[u][j] *= w[u][j];
      }
    }
    T some[3] = {T{0}, T{0}, T{0}};
#pragma unroll
    for (int u = 0; u < kNormUnroll; ++u) {
      for (int j = 0; j < N; ++j) {
        const T d = x[u][j] - origin;
        some[0] += g[u][j];
        some[1] += g[u][j] * d;
        some[2] += d;
      }
    }
    const double factor =
        weight == nullptr || task.by_element ? 1.0 : static_cast<double>(weight[row]);
    sums[0] += factor * static_cast<double>(some[0]);
    sums[1] += factor * static_cast<double>(some[1]);
    sums[2] += static_cast<double>(some[2]);
  }
};

/// Of g and g d r, with mean and r of each row.
template <typename T>
struct ParameterSums {
  static constexpr int kSums = 2;
  T origin{0};
  std::int64_t group;

  __device__ ParameterSums(const NormSumsTask<T>& task, std::int64_t stat)
      : group(stat / task.channels_per_group) {}
  template <int N>
  __device__ void add(const NormSumsTask<T>& task, std::int64_t base, std::int64_t row,
                      std::int64_t at, double (&sums)[kSums]) const {
    const std::int64_t of_row = row * task.groups + group;
    const T mean = task.mean == nullptr ? T{0} : task.mean[of_row];
    const T rstd = task.rstd[of_row];
    const T shift = -task.rest[of_row] * rstd;
    Pack<T, N> x[kNormUnroll];
    Pack<T, N> g[kNormUnroll];
    load_piece(x, task.x + base, at, task.pieces, mean);
    load_piece(g, task.grad_output + base, at, task.pieces, T{0});
    T some[2] = {T{0}, T{0}};
#pragma unroll
    for (int u = 0; u < kNormUnroll; ++u) {
      for (int j = 0; j < N; ++j) {
        some[0] += g[u][j];
        some[1] += g[u][j] * ((x[u][j] - mean) * rstd + shift);
      }
    }
    for (int s = 0; s < kSums; ++s) sums[s] += static_cast<double>(some[s]);
  }
};

/// With N > 1, it divides rows and pitches, and all pointers are aligned to N elements. Several
/// shares need teams of whole blocks, and a block for each share of each statistic.
template <int N, int Threads, typename Sums, typename Finish, typename T>
__global__ void __launch_bounds__(kNormThreads)
    norm_sums_kernel(NormSumsTask<T> task, Finish finish) {
  constexpr int kSums = Sums::kSums;
  constexpr int kTeams = kNormThreads / Threads;
  auto& shared = *shared_memory<NormShared>();
  const int lane = static_cast<int>(threadIdx.x) % Threads;
  const RowPieces& pieces = task.pieces;
  const std::int64_t offset = (lane & ((1 << pieces.log_width) - 1)) * N;
  for (std::int64_t job = grid_thread() / Threads; job < task.stats * task.shares;
       job += std::int64_t{gridDim.x} * kTeams) {
    const std::int64_t stat = task.shares == 1 ? job : job / task.shares;
    const std::int64_t share = job - stat * task.shares;
    const Sums terms(task, stat);
    double sums[kSums] = {};
    PiecePosition at(pieces, share * pieces.groups(Threads) + (lane >> pieces.log_width));
    while (at.row < task.rows) {
      terms.template add<N>(task, stat * task.stat_pitch + at.row * task.row_pitch, at.row,
                            at.piece * pieces.piece + offset, sums);
      at.advance(pieces);
    }
    team_sums<Threads>(sums, shared.scratch);
    if (task.shares == 1) {
      if (lane == 0) finish(stat, sums, terms.origin);
      continue;
    }
    if constexpr (Threads == kNormThreads) {
      double* const partial = task.partial + stat * task.shares * kSums;
      if (lane == 0) {
        for (int s = 0; s < kSums; ++s) partial[share * kSums + s] = sums[s];
      }
      if (!last_block(task.tickets + stat, static_cast<unsigned>(task.shares), &shared.is_last)) {
        continue;
      }
      for (int s = 0; s < kSums; ++s) sums[s] = 0.0;
      for (std::int64_t i = lane; i < task.shares; i += Threads) {
        for (int s = 0; s < kSums; ++s) sums[s] += __ldcg(partial + i * kSums + s);
      }
      team_sums<Threads>(sums, shared.scratch);
      if (lane == 0) finish(stat, sums, terms.origin);
    }
  }
}

}  // namespace wick::cuda
