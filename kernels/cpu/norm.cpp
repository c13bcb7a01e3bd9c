// SPDX-License-Identifier: MIT
// Normalisation: what is computed of which sums, and how it is shared among threads. With
// d = x - mean, r = rstd, n elements to a mean, p = grad_output weight, and S a sum over those n:
//   y = d r weight + bias
//   grad_input = r (p - S(p) / n - d r^2 S(p d) / n), and without a mean the middle term is missing
//   grad_weight = sum of grad_output d r, grad_bias = sum of grad_output
// The kernels get the mean rounded; `rest` is what it has lost.
#include "core/backend/norm.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/share.h"
#include "kernels/cpu/workspace.h"

namespace wick::cpu {
namespace {

// Rows whose gradients by weight and bias are added up one after the other. The parts do not depend
// on the number of threads.
constexpr std::int64_t kMostParts = 64;
constexpr std::int64_t kLeastRows = 32;
// Columns for one thread: a line of the cache.
constexpr std::int64_t kGrainCols = 16;

// Calls job(first, last) for parts of [0, count) units of work, on several threads where the whole
// of `elements` is worth it.
template <typename Job>
void share(ThreadPool& pool, std::int64_t count, std::int64_t grain, std::int64_t elements,
           const Job& job) {
  if (elements < kParallelElements) {
    job(std::int64_t{0}, count);
  } else {
    pool.run(count, grain, job);
  }
}

template <typename T>
const T* offset(const T* data, std::int64_t by) {
  return data == nullptr ? nullptr : data + by;
}
template <typename T>
T* offset(T* data, std::int64_t by) {
  return data == nullptr ? nullptr : data + by;
}

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
  const auto move = [&args, channel](void* running, double value) {
    if (running == nullptr) return;
    T& r = static_cast<T*>(running)[channel];
    r = static_cast<T>((1.0 - args.momentum) * static_cast<double>(r) + args.momentum * value);
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
      const double variance = static_cast<double>(static_cast<const T*>(args.running_var)[c]);
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
      double* const sums = thread_workspace<double, Forward>(2 * cols);
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

template <typename T>
struct Backward {
  const NormBackwardArgs& args;
  const KernelTable<T>& kernels;
  ThreadPool& pool;
  NormShape shape = args.shape;
  const T* grad_output = static_cast<const T*>(args.grad_output);
  const T* x = static_cast<const T*>(args.x);
  const T* weight = static_cast<const T*>(args.weight);
  T* grad_input = static_cast<T*>(args.grad_input);
  T* grad_weight = static_cast<T*>(args.grad_weight);
  T* grad_bias = static_cast<T*>(args.grad_bias);

  [[nodiscard]] std::int64_t elements() const {
    return shape.samples * shape.channels * shape.inner;
  }
  [[nodiscard]] bool of_parameters() const {
    return grad_weight != nullptr || grad_bias != nullptr;
  }
  [[nodiscard]] T mean_of(std::int64_t i) const {
    return args.mean == nullptr ? T{0} : static_cast<const T*>(args.mean)[i];
  }
  [[nodiscard]] double rstd_of(std::int64_t i) const {
    if (args.use_running) {
      const double variance = static_cast<double>(static_cast<const T*>(args.running_var)[i]);
      return 1.0 / std::sqrt(variance + args.eps);
    }
    return static_cast<double>(static_cast<const T*>(args.rstd)[i]);
  }
  void set_weight(std::int64_t c, double value) const {
    if (grad_weight == nullptr) return;
    if (args.accumulate_weight) value += static_cast<double>(grad_weight[c]);
    grad_weight[c] = static_cast<T>(value);
  }
  void set_bias(std::int64_t c, double value) const {
    if (grad_bias == nullptr) return;
    if (args.accumulate_bias) value += static_cast<double>(grad_bias[c]);
    grad_bias[c] = static_cast<T>(value);
  }

  // grad_input = a p + b d + c, with what the mean has lost.
  struct Factors {
    double a;
    double b;
    double c;
    double rest;
  };
  // `sums`: of p, p d and d with the rounded mean.
  [[nodiscard]] Factors factors(const double* sums, double rstd, double count) const {
    const bool centred = args.op != NormOp::rms_norm;
    if (args.use_running) return {rstd, 0.0, 0.0, 0.0};
    const double rest = centred ? sums[2] / count : 0.0;
    const double product = sums[1] - rest * sums[0];
    const double b = -rstd * rstd * rstd * product / count;
    const double c = centred ? -rstd * sums[0] / count - b * rest : 0.0;
    return {rstd, b, c, rest};
  }

  [[nodiscard]] NormRowGradTask<T> task_at(std::int64_t at, std::int64_t count, T mean) const {
    NormRowGradTask<T> task{};
    task.grad_output = grad_output + at;
    task.x = x + at;
    task.grad_input = offset(grad_input, at);
    task.count = count;
    task.mean = mean;
    return task;
  }
  static void set(NormRowGradTask<T>& task, const Factors& f, double weight_of_all = 1.0) {
    task.a = static_cast<T>(f.a * weight_of_all);
    task.b = static_cast<T>(f.b);
    task.c = static_cast<T>(f.c);
    task.scale = static_cast<T>(f.a);
    task.shift = static_cast<T>(-f.rest * f.a);
  }

  // Groups whose channels are single elements: (samples, channels).
  void rows() const {
    const std::int64_t channels = shape.channels / shape.groups;
    std::int64_t per_part = std::max(kLeastRows, (shape.samples + kMostParts - 1) / kMostParts);
    if (!of_parameters()) per_part = 1;
    const std::int64_t parts = (shape.samples + per_part - 1) / per_part;
    const std::int64_t kept = of_parameters() ? 2 * shape.channels : 0;
    T* const sums_of_parts = thread_workspace<T, NormBackwardArgs>(parts * kept);
    share(pool, parts, 1, elements(), [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t part = first; part < last; ++part) {
        T* const own = sums_of_parts + part * kept;
        std::fill(own, own + kept, T{0});
        const std::int64_t end = std::min(shape.samples, (part + 1) * per_part);
        for (std::int64_t i = part * per_part * shape.groups; i < end * shape.groups; ++i) {
          const std::int64_t channel = i % shape.groups * channels;
          NormRowGradTask<T> task = task_at(i * channels, channels, mean_of(i));
          task.weight = offset(weight, channel);
          double sums[3] = {0.0, 0.0, 0.0};
          kernels.norm_grad_sums(task, sums);
          set(task, factors(sums, rstd_of(i), static_cast<double>(channels)));
          if (grad_weight != nullptr) task.grad_weight = own + channel;
          if (grad_bias != nullptr) task.grad_bias = own + shape.channels + channel;
          kernels.norm_row_grad(task);
        }
      }
    });
    if (!of_parameters()) return;
    share(pool, shape.channels, kGrainCols, parts * kept,
          [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t c = first; c < last; ++c) {
              double of_weight = 0.0;
              double of_bias = 0.0;
              for (std::int64_t part = 0; part < parts; ++part) {
                of_weight += static_cast<double>(sums_of_parts[part * kept + c]);
                of_bias += static_cast<double>(sums_of_parts[part * kept + shape.channels + c]);
              }
              set_weight(c, of_weight);
              set_bias(c, of_bias);
            }
          });
  }

  // Groups of channels of several elements each.
  void groups() const {
    const std::int64_t channels = shape.channels / shape.groups;
    const std::int64_t inner = shape.inner;
    // Of each channel of each sample: what it adds to the gradients by weight and bias.
    double* const kept =
        thread_workspace<double, NormBackwardArgs>(2 * shape.samples * shape.channels);
    share(pool, shape.samples * shape.groups, 1, elements(),
          [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t i = first; i < last; ++i) {
              const std::int64_t channel = i % shape.groups * channels;
              double all[3] = {0.0, 0.0, 0.0};
              for (std::int64_t c = 0; c < channels; ++c) {
                double sums[3] = {0.0, 0.0, 0.0};
                kernels.norm_grad_sums(task_at((i * channels + c) * inner, inner, mean_of(i)),
                                       sums);
                const double w = weight == nullptr ? 1.0 : static_cast<double>(weight[channel + c]);
                all[0] += w * sums[0];
                all[1] += w * sums[1];
                all[2] += sums[2];
                kept[2 * (i * channels + c)] = sums[0];
                kept[2 * (i * channels + c) + 1] = sums[1];
              }
              const Factors f = factors(all, rstd_of(i), static_cast<double>(channels * inner));
              for (std::int64_t c = 0; c < channels; ++c) {
                double* const own = kept + 2 * (i * channels + c);
                own[1] = f.a * (own[1] - f.rest * own[0]);
                if (grad_input == nullptr) continue;
                NormRowGradTask<T> task = task_at((i * channels + c) * inner, inner, mean_of(i));
                set(task, f, weight == nullptr ? 1.0 : static_cast<double>(weight[channel + c]));
                kernels.norm_row_grad(task);
              }
            }
          });
    for (std::int64_t c = 0; of_parameters() && c < shape.channels; ++c) {
      double sums[2] = {0.0, 0.0};
      for (std::int64_t n = 0; n < shape.samples; ++n) {
        sums[0] += kept[2 * (n * shape.channels + c)];
        sums[1] += kept[2 * (n * shape.channels + c) + 1];
      }
      set_bias(c, sums[0]);
      set_weight(c, sums[1]);
    }
  }

  // Of a channel of batch_norm; sets the gradients of its parameters.
  [[nodiscard]] Factors channel(std::int64_t c, double* sums) const {
    const double rstd = rstd_of(c);
    const Factors f = factors(sums, rstd, static_cast<double>(shape.samples * shape.inner));
    set_weight(c, rstd * (sums[1] - f.rest * sums[0]));
    set_bias(c, sums[0]);
    return f;
  }
  [[nodiscard]] bool needs_sums() const { return of_parameters() || !args.use_running; }

  void columns() const {
    share(pool, shape.channels, kGrainCols, elements(), [&](std::int64_t first, std::int64_t last) {
      const std::int64_t cols = last - first;
      T* const vectors = thread_workspace<T, NormColumnsTask<T>>(4 * cols);
      for (std::int64_t i = 0; i < cols; ++i) vectors[i] = mean_of(first + i);
      const NormColumnsTask<T> task{.grad_output = grad_output + first,
                                    .x = x + first,
                                    .out = offset(grad_input, first),
                                    .rows = shape.samples,
                                    .cols = cols,
                                    .stride = shape.channels,
                                    .mean = vectors,
                                    .a = vectors + cols,
                                    .b = vectors + 2 * cols,
                                    .c = vectors + 3 * cols};
      double* const sums = thread_workspace<double, Backward>(3 * cols);
      if (needs_sums()) {
        kernels.norm_column_grad_sums(task, sums);
      } else {
        std::fill(sums, sums + 3 * cols, 0.0);
      }
      for (std::int64_t i = 0; i < cols; ++i) {
        double own[3] = {sums[i], sums[cols + i], sums[2 * cols + i]};
        const double w = weight == nullptr ? 1.0 : static_cast<double>(weight[first + i]);
        const Factors f = channel(first + i, own);
        vectors[cols + i] = static_cast<T>(f.a * w);
        vectors[2 * cols + i] = static_cast<T>(f.b * w);
        vectors[3 * cols + i] = static_cast<T>(f.c * w);
      }
      if (grad_input != nullptr) kernels.norm_columns_grad(task);
    });
  }

  void channels() const {
    const std::int64_t sample = shape.channels * shape.inner;
    share(pool, shape.channels, 1, elements(), [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t c = first; c < last; ++c) {
        double sums[3] = {0.0, 0.0, 0.0};
        for (std::int64_t n = 0; n < shape.samples && needs_sums(); ++n) {
          kernels.norm_grad_sums(task_at(n * sample + c * shape.inner, shape.inner, mean_of(c)),
                                 sums);
        }
        Factors f = channel(c, sums);
        if (grad_input == nullptr) continue;
        const double w = weight == nullptr ? 1.0 : static_cast<double>(weight[c]);
        f.b *= w;
        f.c *= w;
        for (std::int64_t n = 0; n < shape.samples; ++n) {
          NormRowGradTask<T> task = task_at(n * sample + c * shape.inner, shape.inner, mean_of(c));
          set(task, f, w);
          kernels.norm_row_grad(task);
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

void CpuBackend::norm_backward(const NormBackwardArgs& args) {
  visit_arithmetic(args.dtype, name_of(args.op), [&]<typename T>(TypeTag<T>) {
    const Backward<T> work{args, kernels<T>(), *pool_};
    if (work.elements() == 0) {
      for (std::int64_t c = 0; c < args.shape.channels; ++c) {
        work.set_weight(c, 0.0);
        work.set_bias(c, 0.0);
      }
      return;
    }
    if (args.op == NormOp::batch_norm) {
      args.shape.inner == 1 ? work.columns() : work.channels();
    } else {
      args.shape.inner == 1 ? work.rows() : work.groups();
    }
  });
}

}  // namespace wick::cpu
