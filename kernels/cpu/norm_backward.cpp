// SPDX-License-Identifier: MIT
// The gradients of normalisations: the formulas are in norm.cpp.
#include <algorithm>
#include <cmath>
#include <cstddef>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/share.h"
#include "kernels/cpu/workspace.h"
#include "wick/core/backend/norm.h"

namespace wick::cpu {
namespace {

// Columns for one thread: a line of the cache.
constexpr std::int64_t kGrainCols = 16;

// Rows whose gradients by weight and bias are added up one after the other. The parts do not depend
// on the number of threads.
constexpr std::int64_t kMostParts = 64;
constexpr std::int64_t kLeastRows = 32;
// And of these, those that are added up in T; the rest is done in double.
constexpr std::int64_t kFewRows = 16;

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
      const auto variance = static_cast<double>(static_cast<const T*>(args.running_var)[i]);
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

  // Group i of a sample; adds to the gradients by weight and bias in `parameters`.
  void row(std::int64_t i, T* parameters) const {
    const std::int64_t channels = shape.channels / shape.groups;
    const std::int64_t channel = i % shape.groups * channels;
    NormRowGradTask<T> task = task_at(i * channels, channels, mean_of(i));
    task.weight = offset(weight, channel);
    double sums[3] = {0.0, 0.0, 0.0};
    kernels.norm_grad_sums(task, sums);
    set(task, factors(sums, rstd_of(i), static_cast<double>(channels)));
    if (grad_weight != nullptr) task.grad_weight = parameters + channel;
    if (grad_bias != nullptr) task.grad_bias = parameters + shape.channels + channel;
    kernels.norm_row_grad(task);
  }

  // Groups whose channels are single elements: (samples, channels).
  void rows() const {
    std::int64_t per_part = std::max(kLeastRows, (shape.samples + kMostParts - 1) / kMostParts);
    if (!of_parameters()) per_part = 1;
    const std::int64_t parts = (shape.samples + per_part - 1) / per_part;
    const std::int64_t kept = of_parameters() ? 2 * shape.channels : 0;
    auto* const sums_of_parts = thread_workspace<double, NormBackwardArgs>(parts * kept);
    std::fill_n(sums_of_parts, parts * kept, 0.0);
    share(pool, parts, 1, elements(), [&](std::int64_t first, std::int64_t last) {
      T* const few = thread_workspace<T, NormRowGradTask<T>>(kept);
      for (std::int64_t part = first; part < last; ++part) {
        const std::int64_t end = std::min(shape.samples, (part + 1) * per_part);
        for (std::int64_t n = part * per_part; n < end; n += kFewRows) {
          std::fill_n(few, kept, T{0});
          const std::int64_t few_end = std::min(end, n + kFewRows);
          for (std::int64_t i = n * shape.groups; i < few_end * shape.groups; ++i) row(i, few);
          double* const own = sums_of_parts + part * kept;
          for (std::int64_t k = 0; k < kept; ++k) own[k] += static_cast<double>(few[k]);
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
                of_weight += sums_of_parts[part * kept + c];
                of_bias += sums_of_parts[part * kept + shape.channels + c];
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
    auto* const kept =
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
      auto* const sums = thread_workspace<double, Backward>(3 * cols);
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
