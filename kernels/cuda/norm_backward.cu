// SPDX-License-Identifier: MIT
// Launcher of the gradients of normalisations. Those by x and those by the parameters of layers
// with statistics of each sample are passes of their own: the one adds up along rows, the other
// along columns.
#include "kernels/cuda/norm_launch.cuh"

namespace wick::cuda {
namespace {

template <typename T>
struct Backward {
  const NormBackwardArgs& args;
  const LaunchContext& context;
  NormShape shape = args.shape;
  const T* x = static_cast<const T*>(args.x);
  const T* grad_output = static_cast<const T*>(args.grad_output);
  const T* weight = static_cast<const T*>(args.weight);
  const T* mean = static_cast<const T*>(args.mean);
  const T* rstd = static_cast<const T*>(args.rstd);
  T* grad_input = static_cast<T*>(args.grad_input);
  T* grad_weight = static_cast<T*>(args.grad_weight);
  T* grad_bias = static_cast<T*>(args.grad_bias);
  bool centred = args.op != NormOp::rms_norm;

  // Factors and `rest` of the statistics that are at work.
  static constexpr auto kMostStats =
      static_cast<std::int64_t>(NormWorkspace::kStatBytes / (sizeof(NormFactors) + sizeof(double)));
  [[nodiscard]] NormFactors* factors() const {
    return reinterpret_cast<NormFactors*>(NormWorkspace(context).stats());
  }
  [[nodiscard]] T* rest() const { return reinterpret_cast<T*>(factors() + kMostStats); }

  [[nodiscard]] bool of_parameters() const {
    return grad_weight != nullptr || grad_bias != nullptr;
  }
  // From a channel on; `more`: there is a part of the sums already.
  [[nodiscard]] ParameterGradients<T> parameters(std::int64_t channel, bool more) const {
    return {offset_of(grad_weight, channel), offset_of(grad_bias, channel),
            args.accumulate_weight || more, args.accumulate_bias || more};
  }
  [[nodiscard]] FinishGradients<T> finish(std::int64_t first, std::int64_t count) const {
    FinishGradients<T> made{};
    made.factors = factors();
    made.rstd = offset_of(rstd, first);
    made.running_var = args.use_running ? static_cast<const T*>(args.running_var) + first : nullptr;
    made.eps = args.eps;
    made.inverse = 1.0 / static_cast<double>(count);
    made.centred = centred;
    return made;
  }

  // -- Statistics of each sample ----------------------------------------------------------------

  [[nodiscard]] std::int64_t size() const { return shape.channels / shape.groups * shape.inner; }

  // Some groups of some samples, which lie one after the other.
  struct Part {
    std::int64_t sample;
    std::int64_t samples;
    std::int64_t group;
    std::int64_t groups;
    std::int64_t first;    // statistic
    std::int64_t at;       // element
    std::int64_t channel;  // the first
    std::int64_t channels;
  };

  [[nodiscard]] cudaError_t groups() const {
    const std::int64_t of_group = shape.channels / shape.groups;
    return in_parts_of_groups(
        shape, kMostStats,
        [&](std::int64_t sample, std::int64_t last, std::int64_t group, std::int64_t end) {
          const std::int64_t first = sample * shape.groups + group;
          return some_groups({sample, last - sample, group, end - group, first, first * size(),
                              group * of_group, (end - group) * of_group});
        });
  }

  [[nodiscard]] cudaError_t some_groups(const Part& part) const {
    cudaError_t status = by_input(part);
    if (status != cudaSuccess || !of_parameters()) return status;
    return shape.inner == 1 ? by_parameters_of_columns(part) : by_parameters_of_channels(part);
  }

  [[nodiscard]] cudaError_t by_input(const Part& part) const {
    const T* const weights = offset_of(weight, part.channel);
    if (shape.inner == 1) {
      const bool packs =
          size() % kPackSize<T> == 0 &&
          all_aligned(x + part.at, grad_output + part.at, offset_of(grad_input, part.at), weights);
      if (size() <= longest_norm_row<T>(packs)) return rows(part, packs);
    }
    const std::int64_t of_group = shape.channels / shape.groups;
    NormSumsTask<T> sums{};
    sums.x = x + part.at;
    sums.grad_output = grad_output + part.at;
    sums.stats = part.samples * part.groups;
    sums.rows = shape.inner == 1 ? 1 : of_group;
    sums.stat_pitch = size();
    sums.row_pitch = shape.inner;
    sums.mean = offset_of(mean, part.first);
    sums.weight = weights;
    sums.by_element = shape.inner == 1;
    sums.groups = part.groups;
    sums.weight_pitch = of_group;
    const std::int64_t inner = shape.inner == 1 ? size() : shape.inner;
    bool packs = inner % kPackSize<T> == 0 && all_aligned(sums.x, sums.grad_output);
    if (sums.by_element) packs = packs && all_aligned(weights);
    FinishGradients<T> made = finish(part.first, size());
    made.rest = rest();
    const cudaError_t status = launch_norm_sums<GradientSums>(sums, inner, packs, made, context);
    if (status != cudaSuccess || grad_input == nullptr) return status;
    NormApplyTask<T> task{};
    task.x = sums.x;
    task.grad_output = sums.grad_output;
    task.out = grad_input + part.at;
    task.weight = weights;
    task.mean = sums.mean;
    task.grad = factors();
    packs = packs && all_aligned(task.out);
    task.row_pitch = shape.inner == 1 ? part.groups : part.channels;
    task.rows = part.samples * task.row_pitch;
    task.channels = Divisor(task.row_pitch);
    task.rows_per_stat = Divisor(shape.inner == 1 ? 1 : of_group);
    return shape.inner == 1 ? launch_norm_apply<true, true>(task, inner, packs, context)
                            : launch_norm_apply<true, false>(task, inner, packs, context);
  }

  // Rows in registers.
  [[nodiscard]] cudaError_t rows(const Part& part, bool packs) const {
    const NormRowsTask<T> task{x + part.at,
                               grad_output + part.at,
                               offset_of(weight, part.channel),
                               nullptr,
                               offset_of(grad_input, part.at),
                               const_cast<T*>(offset_of(mean, part.first)),
                               const_cast<T*>(offset_of(rstd, part.first)),
                               rest(),
                               part.samples * part.groups,
                               size(),
                               part.groups,
                               1.0 / static_cast<double>(size()),
                               args.eps,
                               centred};
    return with_packs<T>(packs, [&](auto pack) {
      constexpr int N = decltype(pack)::value;
      return with_row_kernel<N>(size(), [&](auto threads, auto held) {
        return launch(
            row_grid(task.rows, threads), context,
            norm_rows_gradient_kernel<N, decltype(threads)::value, decltype(held)::value, T>, task);
      });
    });
  }

  [[nodiscard]] cudaError_t by_parameters_of_columns(const Part& part) const {
    NormColumnsTask<T> task{};
    task.x = x + part.at;
    task.grad_output = grad_output + part.at;
    task.rows = part.samples;
    task.cols = part.channels;
    task.stride = shape.channels;
    task.mean = offset_of(mean, part.first);
    task.rstd = rstd + part.first;
    task.rest = rest();
    task.groups = part.groups;
    task.columns_per_group = shape.channels / shape.groups;
    const FinishParameters<T> made{parameters(part.channel, part.sample > 0)};
    return launch_norm_column_sums<ColumnParameters>(task, part.groups == 1 && whole(task), made,
                                                     context);
  }

  [[nodiscard]] cudaError_t by_parameters_of_channels(const Part& part) const {
    NormSumsTask<T> sums{};
    sums.x = x + part.at;
    sums.grad_output = grad_output + part.at;
    sums.stats = part.channels;
    sums.rows = part.samples;
    sums.stat_pitch = shape.inner;
    sums.row_pitch = part.channels * shape.inner;
    sums.mean = offset_of(mean, part.first);
    sums.rstd = rstd + part.first;
    sums.rest = rest();
    sums.groups = part.groups;
    sums.channels_per_group = shape.channels / shape.groups;
    const bool packs = shape.inner % kPackSize<T> == 0 && all_aligned(sums.x, sums.grad_output);
    const FinishParameters<T> made{parameters(part.channel, part.sample > 0)};
    return launch_norm_sums<ParameterSums>(sums, shape.inner, packs, made, context);
  }

  // -- Statistics of each channel ---------------------------------------------------------------

  [[nodiscard]] cudaError_t channels() const {
    return in_parts(shape.channels, kMostStats, [&](std::int64_t first, std::int64_t last) {
      const std::int64_t count = last - first;
      FinishGradients<T> made = finish(first, shape.samples * shape.inner);
      made.parameters = parameters(first, false);
      const bool needs_sums = of_parameters() || !args.use_running;
      const cudaError_t status = !needs_sums
                                     ? launch({blocks_for(count, kNormThreads), kNormThreads},
                                              context, norm_constant_factors_kernel<T>, made, count)
                                 : shape.inner == 1 ? column_sums(first, count, made)
                                                    : channel_sums(first, count, made);
      if (status != cudaSuccess || grad_input == nullptr) return status;
      return shape.inner == 1 ? apply_columns(first, count) : apply_channels(first, count);
    });
  }

  [[nodiscard]] NormColumnsTask<T> columns(std::int64_t first, std::int64_t count) const {
    NormColumnsTask<T> task{};
    task.x = x + first;
    task.grad_output = grad_output + first;
    task.out = offset_of(grad_input, first);
    task.rows = shape.samples;
    task.cols = count;
    task.stride = shape.channels;
    task.grad = factors();
    task.weight = offset_of(weight, first);
    task.mean = mean + first;
    return task;
  }
  [[nodiscard]] bool whole(const NormColumnsTask<T>& task) const {
    return task.cols % kPackSize<T> == 0 && task.stride % kPackSize<T> == 0 &&
           all_aligned(task.x, task.grad_output, task.out);
  }

  [[nodiscard]] cudaError_t column_sums(std::int64_t first, std::int64_t count,
                                        const FinishGradients<T>& made) const {
    const NormColumnsTask<T> task = columns(first, count);
    return launch_norm_column_sums<ColumnGradients>(task, whole(task), made, context);
  }

  [[nodiscard]] cudaError_t apply_columns(std::int64_t first, std::int64_t count) const {
    const NormColumnsTask<T> task = columns(first, count);
    return launch_norm_columns<true>(task, whole(task), context);
  }

  [[nodiscard]] cudaError_t channel_sums(std::int64_t first, std::int64_t count,
                                         const FinishGradients<T>& made) const {
    NormSumsTask<T> sums{};
    sums.x = x + first * shape.inner;
    sums.grad_output = grad_output + first * shape.inner;
    sums.stats = count;
    sums.rows = shape.samples;
    sums.stat_pitch = shape.inner;
    sums.row_pitch = shape.channels * shape.inner;
    sums.mean = mean + first;
    const bool packs = shape.inner % kPackSize<T> == 0 && all_aligned(sums.x, sums.grad_output);
    return launch_norm_sums<GradientSums>(sums, shape.inner, packs, made, context);
  }

  [[nodiscard]] cudaError_t apply_channels(std::int64_t first, std::int64_t count) const {
    NormApplyTask<T> task{};
    task.x = x + first * shape.inner;
    task.grad_output = grad_output + first * shape.inner;
    task.out = grad_input + first * shape.inner;
    task.weight = offset_of(weight, first);
    task.mean = mean + first;
    task.grad = factors();
    task.by_channel = true;
    task.rows = shape.samples * count;
    task.row_pitch = shape.channels;
    task.channels = Divisor(count);
    const bool packs =
        shape.inner % kPackSize<T> == 0 && all_aligned(task.x, task.grad_output, task.out);
    return launch_norm_apply<true, false>(task, shape.inner, packs, context);
  }
};

// Of no elements.
template <typename T>
cudaError_t set_zero(void* gradient, std::int64_t channels, bool accumulate,
                     const LaunchContext& context) {
  if (gradient == nullptr || accumulate) return cudaSuccess;
  return launch_fill(dtype_of<T>, gradient, channels, 0.0, context);
}

}  // namespace

cudaError_t launch_norm_backward(const NormBackwardArgs& args, const LaunchContext& context) {
  return visit_arithmetic(args.dtype, name_of(args.op), [&]<typename T>(TypeTag<T>) {
    const NormShape& shape = args.shape;
    if (shape.samples * shape.channels * shape.inner == 0) {
      const cudaError_t status =
          set_zero<T>(args.grad_weight, shape.channels, args.accumulate_weight, context);
      if (status != cudaSuccess) return status;
      return set_zero<T>(args.grad_bias, shape.channels, args.accumulate_bias, context);
    }
    const Backward<T> work{args, context};
    return args.op == NormOp::batch_norm ? work.channels() : work.groups();
  });
}

}  // namespace wick::cuda
