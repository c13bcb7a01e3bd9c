// SPDX-License-Identifier: MIT
// Launcher of normalisations.
#include "kernels/cuda/norm_launch.cuh"

namespace wick::cuda {
namespace {

template <typename T>
struct Forward {
  const NormArgs& args;
  const LaunchContext& context;
  NormShape shape = args.shape;
  const T* x = static_cast<const T*>(args.x);
  T* y = static_cast<T*>(args.y);
  const T* weight = static_cast<const T*>(args.weight);
  const T* bias = static_cast<const T*>(args.bias);
  T* mean = static_cast<T*>(args.mean);
  T* rstd = static_cast<T*>(args.rstd);
  bool centred = args.op != NormOp::rms_norm;

  [[nodiscard]] NormStat* stats() const {
    return reinterpret_cast<NormStat*>(NormWorkspace(context).stats());
  }
  static constexpr auto kMostStats =
      static_cast<std::int64_t>(NormWorkspace::kStatBytes / sizeof(NormStat));
  [[nodiscard]] RunningTask<T> running() const {
    return {static_cast<T*>(args.running_mean), static_cast<T*>(args.running_var), args.momentum,
            args.batches};
  }

  [[nodiscard]] bool tracks() const {
    return args.running_mean != nullptr || args.running_var != nullptr;
  }

  // Of statistics from `first` on, of `count` elements each.
  [[nodiscard]] FinishMoments<T> finish(std::int64_t first, std::int64_t count) const {
    const auto n = static_cast<double>(count);
    return {stats(),
            offset_of(mean, first),
            offset_of(rstd, first),
            {},
            1.0 / n,
            n / (n - 1.0),
            args.eps,
            centred};
  }

  // -- Statistics of each sample ----------------------------------------------------------------

  [[nodiscard]] std::int64_t size() const { return shape.channels / shape.groups * shape.inner; }

  [[nodiscard]] cudaError_t groups() const {
    const bool packs = size() % kPackSize<T> == 0 && all_aligned(x, y, weight, bias);
    if (shape.inner == 1 && size() <= longest_norm_row<T>(packs) && !tracks()) return rows(packs);
    return in_parts_of_groups(
        shape, kMostStats,
        [&](std::int64_t first, std::int64_t last, std::int64_t group, std::int64_t end) {
          return some_groups(first, last - first, group, end - group);
        });
  }

  // Rows in registers.
  [[nodiscard]] cudaError_t rows(bool packs) const {
    const NormRowsTask<T> task{x,
                               nullptr,
                               weight,
                               bias,
                               y,
                               mean,
                               rstd,
                               nullptr,
                               shape.samples * shape.groups,
                               size(),
                               shape.groups,
                               1.0 / static_cast<double>(size()),
                               args.eps,
                               centred};
    return with_packs<T>(packs, [&](auto pack) {
      constexpr int N = decltype(pack)::value;
      return with_row_kernel<N>(size(), [&](auto threads, auto held) {
        return launch(row_grid(task.rows, threads), context,
                      norm_rows_kernel<N, decltype(threads)::value, decltype(held)::value, T>,
                      task);
      });
    });
  }

  // `count` groups from `group` on of some samples, which lie one after the other.
  [[nodiscard]] cudaError_t some_groups(std::int64_t sample, std::int64_t samples,
                                        std::int64_t group, std::int64_t count) const {
    const std::int64_t first = sample * shape.groups + group;
    const std::int64_t channels = shape.channels / shape.groups;
    NormSumsTask<T> sums{};
    sums.x = x + first * size();
    sums.stats = samples * count;
    sums.rows = 1;
    sums.stat_pitch = size();
    sums.centred = centred;
    cudaError_t status = launch_norm_sums<MomentSums>(
        sums, size(), size() % kPackSize<T> == 0 && all_aligned(sums.x), finish(first, size()),
        context);
    if (status == cudaSuccess && tracks()) status = move_running(sample, samples, group, count);
    if (status != cudaSuccess) return status;
    NormApplyTask<T> task{};
    task.x = sums.x;
    task.out = y + first * size();
    task.weight = offset_of(weight, group * channels);
    task.bias = offset_of(bias, group * channels);
    task.stats = stats();
    if (shape.inner == 1) {  // each group is a row, with parameters of its own for each element
      task.weight = offset_of(weight, group * size());
      task.bias = offset_of(bias, group * size());
      task.rows = samples * count;
      task.row_pitch = count;
      task.channels = Divisor(count);
      const bool packs =
          size() % kPackSize<T> == 0 && all_aligned(task.x, task.out, task.weight, task.bias);
      return launch_norm_apply<false, true>(task, size(), packs, context);
    }
    task.rows_per_stat = Divisor(channels);
    return apply_rows(task, samples, channels * count, channels * count);
  }

  // Rows of `inner` elements.
  [[nodiscard]] cudaError_t apply_rows(NormApplyTask<T> task, std::int64_t samples,
                                       std::int64_t channels, std::int64_t pitch) const {
    task.channels = Divisor(channels);
    task.row_pitch = pitch;
    const bool packs = shape.inner % kPackSize<T> == 0 && all_aligned(task.x, task.out);
    task.rows = samples * channels;
    return launch_norm_apply<false, false>(task, shape.inner, packs, context);
  }

  // Of layers with a statistic for each channel of each sample.
  [[nodiscard]] cudaError_t move_running(std::int64_t sample, std::int64_t samples,
                                         std::int64_t channel, std::int64_t channels) const {
    RunningTask<T> task = running();
    task.mean = offset_of(task.mean, channel);
    task.var = offset_of(task.var, channel);
    const auto n = static_cast<double>(shape.inner);
    return launch({blocks_for(channels, kNormThreads), kNormThreads}, context,
                  norm_running_average_kernel<T>, task, static_cast<const NormStat*>(stats()),
                  samples, channels, 1.0 / static_cast<double>(shape.samples), n / (n - 1.0),
                  sample > 0);
  }

  // -- Statistics of each channel ---------------------------------------------------------------

  [[nodiscard]] cudaError_t channels() const {
    return in_parts(shape.channels, kMostStats, [&](std::int64_t first, std::int64_t last) {
      const cudaError_t status = channel_stats(first, last - first);
      if (status != cudaSuccess) return status;
      return shape.inner == 1 ? apply_columns(first, last - first)
                              : apply_channels(first, last - first);
    });
  }

  [[nodiscard]] NormColumnsTask<T> columns(std::int64_t first, std::int64_t count) const {
    NormColumnsTask<T> task{};
    task.x = x + first;
    task.out = y + first;
    task.rows = shape.samples;
    task.cols = count;
    task.stride = shape.channels;
    task.stats = stats();
    task.weight = offset_of(weight, first);
    task.bias = offset_of(bias, first);
    return task;
  }
  // Packs of columns, in both directions.
  [[nodiscard]] bool whole_columns(const NormColumnsTask<T>& task) const {
    return task.cols % kPackSize<T> == 0 && task.stride % kPackSize<T> == 0 &&
           all_aligned(task.x, task.out);
  }

  [[nodiscard]] cudaError_t channel_stats(std::int64_t first, std::int64_t count) const {
    if (args.use_running) {
      return launch({blocks_for(count, kNormThreads), kNormThreads}, context,
                    norm_running_stats_kernel<T>, stats(),
                    static_cast<const T*>(args.running_mean) + first,
                    static_cast<const T*>(args.running_var) + first, count, args.eps);
    }
    FinishMoments<T> made = finish(first, shape.samples * shape.inner);
    made.running = running();
    made.running.mean = offset_of(made.running.mean, first);
    made.running.var = offset_of(made.running.var, first);
    if (shape.inner == 1) {
      const NormColumnsTask<T> task = columns(first, count);
      return launch_norm_column_sums<ColumnMoments>(task, whole_columns(task), made, context);
    }
    NormSumsTask<T> sums{};
    sums.x = x + first * shape.inner;
    sums.stats = count;
    sums.rows = shape.samples;
    sums.stat_pitch = shape.inner;
    sums.row_pitch = shape.channels * shape.inner;
    sums.centred = true;
    const bool packs = shape.inner % kPackSize<T> == 0 && all_aligned(sums.x);
    return launch_norm_sums<MomentSums>(sums, shape.inner, packs, made, context);
  }

  [[nodiscard]] cudaError_t apply_columns(std::int64_t first, std::int64_t count) const {
    const NormColumnsTask<T> task = columns(first, count);
    return launch_norm_columns<false>(task, whole_columns(task), context);
  }

  [[nodiscard]] cudaError_t apply_channels(std::int64_t first, std::int64_t count) const {
    NormApplyTask<T> task{};
    task.x = x + first * shape.inner;
    task.out = y + first * shape.inner;
    task.weight = offset_of(weight, first);
    task.bias = offset_of(bias, first);
    task.stats = stats();
    task.by_channel = true;
    return apply_rows(task, shape.samples, count, shape.channels);
  }
};

}  // namespace

cudaError_t launch_norm(const NormArgs& args, const LaunchContext& context) {
  return visit_arithmetic(args.dtype, name_of(args.op), [&]<typename T>(TypeTag<T>) {
    const Forward<T> work{args, context};
    if (args.shape.samples * args.shape.channels * args.shape.inner == 0) return cudaSuccess;
    return args.op == NormOp::batch_norm ? work.channels() : work.groups();
  });
}

}  // namespace wick::cuda
