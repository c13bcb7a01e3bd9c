// SPDX-License-Identifier: MIT
// Normalisation of rows that a team of threads, a warp or a block, holds in registers: each element
// is read once.
#pragma once

#include "kernels/cuda/norm.cuh"

namespace wick::cuda {

template <typename T>
struct NormRowsTask {
  const T* x;
  const T* grad_output;  // of the gradient
  const T* weight;       // (groups, size) or none
  const T* bias;         // likewise
  T* out;                // y, or the gradient by x, or none
  T* mean;               // (rows) or none
  T* rstd;               // (rows) or none
  T* rest;               // (rows) or none: receives, with the gradient, what the mean has lost
  std::int64_t rows;
  std::int64_t size;
  std::int64_t groups;  // row i has the parameters of i % groups
  double inverse_size;
  double eps;
  bool centred;
};

/// Element (lane + k Threads) N of a row: which of a thread's packs there are.
template <int N, int Threads, int K, typename T>
__device__ inline void load_row(Pack<T, N> (&packs)[K], const T* row, std::int64_t size, int lane,
                                T outside) {
#pragma unroll
  for (int k = 0; k < K; ++k) {
    const int i = (lane + k * Threads) * N;
    packs[k] = i < size ? load_pack<N>(row + i) : filled<N>(outside);
  }
}

/// Rows of up to N * Threads * K elements; with N > 1 it divides them, and all pointers are aligned
/// to N elements.
template <int N, int Threads, int K, typename T>
__global__ void __launch_bounds__(kNormThreads) norm_rows_kernel(NormRowsTask<T> task) {
  auto& shared = *shared_memory<NormShared>();
  const int lane = static_cast<int>(threadIdx.x) % Threads;
  const auto size = static_cast<int>(task.size);
  for (std::int64_t row = grid_thread() / Threads; row < task.rows;
       row += grid_threads() / Threads) {
    Pack<T, N> x[K];
    load_row<N, Threads>(x, task.x + row * task.size, task.size, lane, T{0});
    // A first mean in T; the second pass finds what it lacks.
    T first{0};
    if (task.centred) {
      const T inverse = static_cast<T>(task.inverse_size);
      T sum[1] = {T{0}};
      for (int k = 0; k < K; ++k) {
        for (int j = 0; j < N; ++j) sum[0] += x[k][j] * inverse;
      }
      team_sums<Threads>(sum, reinterpret_cast<T*>(shared.scratch));
      first = sum[0];
    }
    double sums[2] = {0.0, 0.0};
#pragma unroll
    for (int k = 0; k < K; ++k) {
      if ((lane + k * Threads) * N >= size) continue;
      T deviations{0};
      T squares{0};
      for (int j = 0; j < N; ++j) {
        x[k][j] -= first;
        deviations += x[k][j];
        squares += x[k][j] * x[k][j];
      }
      sums[0] += static_cast<double>(deviations);
      sums[1] += static_cast<double>(squares);
    }
    team_sums<Threads>(sums, shared.scratch);
    const double rest = task.centred ? sums[0] * task.inverse_size : 0.0;
    double variance = (sums[1] - sums[0] * rest) * task.inverse_size;
    if (variance < 0.0) variance = 0.0;  // a NaN stays one
    const T rstd = reciprocal_root(static_cast<T>(variance + task.eps));
    if (lane == 0) {
      if (task.mean != nullptr) {
        task.mean[row] = static_cast<T>(static_cast<double>(first) + rest);
      }
      if (task.rstd != nullptr) task.rstd[row] = rstd;
    }
    const T shift = -static_cast<T>(rest) * rstd;
    const std::int64_t parameters = task.groups == 1 ? 0 : row % task.groups * task.size;
#pragma unroll
    for (int k = 0; k < K; ++k) {
      const int i = (lane + k * Threads) * N;
      if (i >= size) continue;
      for (int j = 0; j < N; ++j) x[k][j] = x[k][j] * rstd + shift;
      if (task.weight != nullptr) {
        const Pack<T, N> weight = load_pack<N>(task.weight + parameters + i);
        for (int j = 0; j < N; ++j) x[k][j] *= weight[j];
      }
      if (task.bias != nullptr) {
        const Pack<T, N> bias = load_pack<N>(task.bias + parameters + i);
        for (int j = 0; j < N; ++j) x[k][j] += bias[j];
      }
      store_pack<N>(task.out + row * task.size + i, x[k]);
    }
  }
}

/// The factors of a gradient from the sums of p, p d and d, and what the mean has lost.
struct NormGradient {
  NormFactors factors;
  double rest;
};
__device__ inline NormGradient norm_gradient(const double (&sums)[3], double rstd, double inverse,
                                             bool centred) {
  const double rest = centred ? sums[2] * inverse : 0.0;
  const double b = -rstd * rstd * rstd * (sums[1] - rest * sums[0]) * inverse;
  const double c = centred ? -rstd * sums[0] * inverse - b * rest : 0.0;
  return {{rstd, b, c}, rest};
}

/// The gradient by x, likewise.
template <int N, int Threads, int K, typename T>
__global__ void __launch_bounds__(kNormThreads) norm_rows_gradient_kernel(NormRowsTask<T> task) {
  auto& shared = *shared_memory<NormShared>();
  const int lane = static_cast<int>(threadIdx.x) % Threads;
  const auto size = static_cast<int>(task.size);
  for (std::int64_t row = grid_thread() / Threads; row < task.rows;
       row += grid_threads() / Threads) {
    const T mean = task.centred ? task.mean[row] : T{0};
    const auto rstd = static_cast<double>(task.rstd[row]);
    Pack<T, N> d[K];
    Pack<T, N> p[K];
    load_row<N, Threads>(d, task.x + row * task.size, task.size, lane, mean);
    load_row<N, Threads>(p, task.grad_output + row * task.size, task.size, lane, T{0});
    const std::int64_t parameters = task.groups == 1 ? 0 : row % task.groups * task.size;
    double sums[3] = {0.0, 0.0, 0.0};
#pragma unroll
    for (int k = 0; k < K; ++k) {
      const int i = (lane + k * Threads) * N;
      if (i >= size) continue;
      if (task.weight != nullptr) {
        const Pack<T, N> weight = load_pack<N>(task.weight + parameters + i);
        for (int j = 0; j < N; ++j) p[k][j] *= weight[j];
      }
      T some[3] = {T{0}, T{0}, T{0}};
      for (int j = 0; j < N; ++j) {
        d[k][j] -= mean;
        some[0] += p[k][j];
        some[1] += p[k][j] * d[k][j];
        some[2] += d[k][j];
      }
      for (int s = 0; s < 3; ++s) sums[s] += static_cast<double>(some[s]);
    }
    team_sums<Threads>(sums, shared.scratch);
    const NormGradient gradient = norm_gradient(sums, rstd, task.inverse_size, task.centred);
    if (lane == 0 && task.rest != nullptr) task.rest[row] = static_cast<T>(gradient.rest);
    if (task.out == nullptr) continue;
    const T a = static_cast<T>(gradient.factors.a);
    const T b = static_cast<T>(gradient.factors.b);
    const T c = static_cast<T>(gradient.factors.c);
#pragma unroll
    for (int k = 0; k < K; ++k) {
      const int i = (lane + k * Threads) * N;
      if (i >= size) continue;
      for (int j = 0; j < N; ++j) p[k][j] = p[k][j] * a + (d[k][j] * b + c);
      store_pack<N>(task.out + row * task.size + i, p[k]);
    }
  }
}

}  // namespace wick::cuda
