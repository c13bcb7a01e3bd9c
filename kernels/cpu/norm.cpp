// SPDX-License-Identifier: MIT
// Normalisation: what is computed of which sums, and how it is shared among threads. With
// d = x - mean, r = rstd, n elements to a mean, p = grad_output weight, and S a sum over those n:
//   y = d r weight + bias
//   grad_input = r (p - S(p) / n - d r^2 S(p d) / n), and without a mean the middle term is missing
//   grad_weight = sum of grad_output d r, grad_bias = sum of grad_output
// The kernels get the mean rounded; `rest` is what it has lost.
#include "wick/core/backend/norm.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/share.h"
#include "kernels/cpu/workspace.h"

namespace wick::cpu {
namespace {

// Columns for one thread: a line of the cache.
constexpr std::int64_t kGrainCols = 16;

struct Moments {
  double mean;
  double variance;
};

// Of sums of x - origin and their squares.
Moments moments(const double* sums, double origin, double count) {
  const double mean = sums[0] / count;
  const double variance = sums[1] / count - mean * mean;
  // Rounding may leave it below zero; a NaN stays one.
  return {origin + mean, variance < 0.0 ? 0.0 : variance};
}

template <typename T>
void update_running(const NormArgs& args, std::int64_t channel, double mean, double unbiased) {
  const double momentum =
      args.batches == nullptr ? args.momentum : 1.0 / (static_cast<double>(*args.batches) + 1.0);
  const auto move = [momentum, channel](void* running, double value) {
    if (running == nullptr) return;
    T& r = static_cast<T*>(running)[channel];
    r = static_cast<T>((1.0 - momentum) * static_cast<double>(r) + momentum * value);
  };
  move(args.running_mean, mean);
  move(args.running_var, unbiased);
}

double unbiased(double variance, double count) {
  return variance * (count / (count - 1.0));
}

template <typename T>
struct Forward {
  const NormArgs& args;
  const KernelTable<T>& kernels;
  ThreadPool& pool;
  NormShape shape = args.shape;
  const T* x = static_cast<const T*>(args.x);
  T* y = static_cast<T*>(args.y);
  const T* weight = static_cast<const T*>(args.weight);
  const T* bias = static_cast<const T*>(args.bias);
  T* saved_mean = static_cast<T*>(args.mean);
  T* saved_rstd = static_cast<T*>(args.rstd);

  [[nodiscard]] std::int64_t elements() const {
    return shape.samples * shape.channels * shape.inner;
  }

  // One group of channels of one sample.
  void group(std::int64_t number, double* kept) const {
    const std::int64_t channels = shape.channels / shape.groups;
    const std::int64_t count = channels * shape.inner;
    const std::int64_t first_channel = number % shape.groups * channels;
    const T* const in = x + number * count;
    const bool centred = args.op != NormOp::rms_norm;
    const T origin = centred ? in[0] : T{0};
    double sums[2] = {0.0, 0.0};
    kernels.norm_sums(in, count, origin, sums);
    Moments stats{0.0, sums[1] / static_cast<double>(count)};
    if (centred) {
      stats = moments(sums, static_cast<double>(origin), static_cast<double>(count));
    }
    const T mean = static_cast<T>(stats.mean);
    const double rest = stats.mean - static_cast<double>(mean);
    const double rstd = 1.0 / std::sqrt(stats.variance + args.eps);
    if (saved_mean != nullptr) saved_mean[number] = mean;
    if (saved_rstd != nullptr) saved_rstd[number] = static_cast<T>(rstd);
    if (kept != nullptr) {
      kept[0] = stats.mean;
      kept[1] = unbiased(stats.variance, static_cast<double>(count));
    }
    T* const out = y + number * count;
    if (shape.inner == 1) {
      kernels.norm_row({in, out, offset(weight, first_channel), offset(bias, first_channel), count,
                        mean, static_cast<T>(rstd), static_cast<T>(-rest * rstd)});
      return;
    }
    for (std::int64_t c = 0; c < channels; ++c) {
      apply(in + c * shape.inner, out + c * shape.inner, first_channel + c, mean, rest, rstd);
    }
  }

  // A stretch of one channel.
  void apply(const T* in, T* out, std::int64_t channel, T mean, double rest, double rstd) const {
    const double scale = weight == nullptr ? rstd : rstd * static_cast<double>(weight[channel]);
    const double shift = bias == nullptr ? 0.0 : static_cast<double>(bias[channel]);
    kernels.norm_row({in, out, nullptr, nullptr, shape.inner, mean, static_cast<T>(scale),
                      static_cast<T>(shift - rest * scale)});
  }

  void groups() const {
    const std::int64_t count = shape.samples * shape.groups;
    const bool tracks = args.running_mean != nullptr || args.running_var != nullptr;
    double* const kept = tracks ? thread_workspace<double, NormArgs>(2 * count) : nullptr;
    share(pool, count, 1, elements(), [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) group(i, offset(kept, 2 * i));
    });
    for (std::int64_t c = 0; tracks && c < shape.channels; ++c) {
      double mean = 0.0;
      double variance = 0.0;
      for (std::int64_t n = 0; n < shape.samples; ++n) {
        mean += kept[2 * (n * shape.channels + c)];
        variance += kept[2 * (n * shape.channels + c) + 1];
      }
      const auto samples = static_cast<double>(shape.samples);
      update_running<T>(args, c, mean / samples, variance / samples);
    }
  }

  // What a channel of batch_norm is made from: its mean and rstd; `sums` are none with use_running.
  struct Channel {
    T mean;
    double rest;
    double rstd;
  };
  [[nodiscard]] Channel channel(std::int64_t c, const double* sums, T origin) const {
    if (args.use_running) {
      const auto variance = static_cast<double>(static_cast<const T*>(args.running_var)[c]);
      return {static_cast<const T*>(args.running_mean)[c], 0.0,
              1.0 / std::sqrt(variance + args.eps)};
    }
    const auto count = static_cast<double>(shape.samples * shape.inner);
    const Moments stats = moments(sums, static_cast<double>(origin), count);
    const T mean = static_cast<T>(stats.mean);
    const double rstd = 1.0 / std::sqrt(stats.variance + args.eps);
    if (saved_mean != nullptr) saved_mean[c] = mean;
    if (saved_rstd != nullptr) saved_rstd[c] = static_cast<T>(rstd);
    update_running<T>(args, c, stats.mean, unbiased(stats.variance, count));
    return {mean, stats.mean - static_cast<double>(mean), rstd};
  }

  void columns() const {
    share(pool, shape.channels, kGrainCols, elements(), [&](std::int64_t first, std::int64_t last) {
      const std::int64_t cols = last - first;
      NormColumnsTask<T> task{.grad_output = nullptr,
                              .x = x + first,
                              .out = y + first,
                              .rows = shape.samples,
                              .cols = cols,
                              .stride = shape.channels,
                              .mean = nullptr,
                              .a = nullptr,
                              .b = nullptr,
                              .c = nullptr};
      auto* const sums = thread_workspace<double, Forward>(2 * cols);
      if (!args.use_running) kernels.norm_column_sums(task, sums);
      T* const vectors = thread_workspace<T, NormColumnsTask<T>>(3 * cols);
      for (std::int64_t i = 0; i < cols; ++i) {
        const std::int64_t c = first + i;
        const double own[2] = {sums[i], sums[cols + i]};
        const Channel from = channel(c, own, x[c]);
        const double scale =
            weight == nullptr ? from.rstd : from.rstd * static_cast<double>(weight[c]);
        const double shift = bias == nullptr ? 0.0 : static_cast<double>(bias[c]);
        vectors[i] = from.mean;
        vectors[cols + i] = static_cast<T>(scale);
        vectors[2 * cols + i] = static_cast<T>(shift - from.rest * scale);
      }
      task.mean = vectors;
      task.a = vectors + cols;
      task.b = vectors + 2 * cols;
      kernels.norm_columns(task);
    });
  }

  void channels() const {
    share(pool, shape.channels, 1, elements(), [&](std::int64_t first, std::int64_t last) {
      const std::int64_t sample = shape.channels * shape.inner;
      for (std::int64_t c = first; c < last; ++c) {
        const T* const in = x + c * shape.inner;
        double sums[2] = {0.0, 0.0};
        for (std::int64_t n = 0; n < shape.samples && !args.use_running; ++n) {
          kernels.norm_sums(in + n * sample, shape.inner, in[0], sums);
        }
        const Channel from = channel(c, sums, in[0]);
        for (std::int64_t n = 0; n < shape.samples; ++n) {
          apply(in + n * sample, y + c * shape.inner + n * sample, c, from.mean, from.rest,
                from.rstd);
        }
      }
    });
  }
};

}  // namespace

void CpuBackend::norm(const NormArgs& args) {
  visit_arithmetic(args.dtype, name_of(args.op), [&]<typename T>(TypeTag<T>) {
    const Forward<T> work{args, kernels<T>(), *pool_};
    if (work.elements() == 0) return;
    if (args.op != NormOp::batch_norm) return work.groups();
    args.shape.inner == 1 ? work.columns() : work.channels();
  });
}

}  // namespace wick::cpu
