// SPDX-License-Identifier: MIT
// What becomes of the sums of a statistic or a channel, for the kernels that take them; and of the
// statistics that need none.
#pragma once

#include "kernels/cuda/norm_rows.cuh"

namespace wick::cuda {

/// Where running statistics go: r = (1 - momentum) r + momentum s.
template <typename T>
struct RunningTask {
  T* mean;  // or none
  T* var;   // or none
  double momentum;
  const std::int64_t* batches;  // or none: the momentum is 1 / (*batches + 1)
  __device__ double factor() const {
    return batches == nullptr ? momentum : 1.0 / (static_cast<double>(*batches) + 1.0);
  }
  /// `keep` is 1 - momentum; 1 where a channel's sum has been begun.
  __device__ static void move(T* running, std::int64_t channel, double keep, double add) {
    if (running == nullptr) return;
    running[channel] = static_cast<T>(keep * static_cast<double>(running[channel]) + add);
  }
};

/// Of sums of d and d d: the statistics.
template <typename T>
struct FinishMoments {
  NormStat* stats;
  T* mean;  // (stats) or none
  T* rstd;  // likewise
  RunningTask<T> running;
  double inverse;   // 1 / n
  double unbiased;  // n / (n - 1)
  double eps;
  bool centred;
  __device__ bool needs_origin() const { return centred; }

  __device__ void operator()(std::int64_t stat, const double (&sums)[2], T origin) const {
    const double distance = centred ? sums[0] * inverse : 0.0;
    double variance = (sums[1] - sums[0] * distance) * inverse;
    if (variance < 0.0) variance = 0.0;  // a NaN stays one
    const NormStat made{static_cast<double>(origin) + distance, reciprocal_root(variance + eps),
                        variance};
    stats[stat] = made;
    if (mean != nullptr) mean[stat] = static_cast<T>(made.mean);
    if (rstd != nullptr) rstd[stat] = static_cast<T>(made.rstd);
    if (running.mean == nullptr && running.var == nullptr) return;
    const double factor = running.factor();
    running.move(running.mean, stat, 1.0 - factor, factor * made.mean);
    running.move(running.var, stat, 1.0 - factor, factor * (variance * unbiased));
  }
};

/// A gradient by parameters, added to what is there or not.
template <typename T>
struct ParameterGradients {
  T* weight;  // or none
  T* bias;    // or none
  bool accumulate_weight;
  bool accumulate_bias;
  __device__ void set(std::int64_t channel, double by_weight, double by_bias) const {
    if (weight != nullptr) {
      weight[channel] = static_cast<T>(
          by_weight + (accumulate_weight ? static_cast<double>(weight[channel]) : 0.0));
    }
    if (bias != nullptr) {
      bias[channel] =
          static_cast<T>(by_bias + (accumulate_bias ? static_cast<double>(bias[channel]) : 0.0));
    }
  }
};

/// Of sums of p, p d and d: the gradient's factors, and where a statistic is a channel, the
/// gradients by its parameters.
template <typename T>
struct FinishGradients {
  NormFactors* factors;
  T* rest;               // (stats) or none
  const T* rstd;         // (stats), or none where the variance is the running one
  const T* running_var;  // (stats) or none
  double eps;
  double inverse;
  bool centred;
  ParameterGradients<T> parameters;
  __device__ bool needs_origin() const { return false; }
  __device__ double rstd_of(std::int64_t stat) const {
    return running_var != nullptr ? reciprocal_root(static_cast<double>(running_var[stat]) + eps)
                                  : static_cast<double>(rstd[stat]);
  }
  /// Where nothing is taken from sums.
  __device__ void constant(std::int64_t stat) const { factors[stat] = {rstd_of(stat), 0.0, 0.0}; }

  __device__ void operator()(std::int64_t stat, const double (&sums)[3], T /*origin*/) const {
    const double r = rstd_of(stat);
    NormGradient gradient = norm_gradient(sums, r, inverse, centred);
    if (running_var != nullptr) gradient = {{r, 0.0, 0.0}, 0.0};
    factors[stat] = gradient.factors;
    if (rest != nullptr) rest[stat] = static_cast<T>(gradient.rest);
    parameters.set(stat, r * (sums[1] - gradient.rest * sums[0]), sums[0]);
  }
};

/// Of sums of g and g d r.
template <typename T>
struct FinishParameters {
  ParameterGradients<T> parameters;
  __device__ bool needs_origin() const { return false; }
  __device__ void operator()(std::int64_t channel, const double (&sums)[2], T /*origin*/) const {
    parameters.set(channel, sums[1], sums[0]);
  }
};

/// The statistics from running ones.
template <typename T>
__global__ void __launch_bounds__(kNormThreads)
    norm_running_stats_kernel(NormStat* stats, const T* mean, const T* var, std::int64_t count,
                              double eps) {
  for (std::int64_t c = grid_thread(); c < count; c += grid_threads()) {
    const auto variance = static_cast<double>(var[c]);
    stats[c] = {static_cast<double>(mean[c]), reciprocal_root(variance + eps), variance};
  }
}

template <typename T>
__global__ void __launch_bounds__(kNormThreads)
    norm_constant_factors_kernel(FinishGradients<T> finish, std::int64_t count) {
  for (std::int64_t c = grid_thread(); c < count; c += grid_threads()) finish.constant(c);
}

/// The running statistics of channels that have one of each sample, by the average of those:
/// `stats` are (samples, channels) of `all` samples, of which the first have come before where
/// `begun`.
template <typename T>
__global__ void __launch_bounds__(kNormThreads)
    norm_running_average_kernel(RunningTask<T> running, const NormStat* stats, std::int64_t samples,
                                std::int64_t channels, double inverse_all, double unbiased,
                                bool begun) {
  for (std::int64_t c = grid_thread(); c < channels; c += grid_threads()) {
    double mean = 0.0;
    double variance = 0.0;
    for (std::int64_t n = 0; n < samples; ++n) {
      mean += stats[n * channels + c].mean;
      variance += stats[n * channels + c].variance;
    }
    const double factor = running.factor();
    const double keep = begun ? 1.0 : 1.0 - factor;
    running.move(running.mean, c, keep, factor * inverse_all * mean);
    running.move(running.var, c, keep, factor * inverse_all * (variance * unbiased));
  }
}

}  // namespace wick::cuda
