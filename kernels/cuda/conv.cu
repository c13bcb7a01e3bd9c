// SPDX-License-Identifier: MIT
// Launchers of the convolutions.
#include <algorithm>

#include "kernels/cuda/conv.cuh"
#include "kernels/cuda/norm_launch.cuh"

namespace wick::cuda {
namespace {

// Up to so many rows, a thread or a block takes an element.
constexpr std::int64_t kFewRows = 4;
// Values of a depth that a block takes at least where several share it.
constexpr std::int64_t kFewestDepth = 512;
constexpr std::int64_t kMostShares = 64;

/// Of norm_sums_kernel: of a channel.
template <typename T>
struct PlainSums {
  static constexpr int kSums = 1;
  T origin{0};

  __device__ PlainSums(const NormSumsTask<T>& /*task*/, std::int64_t /*stat*/) {}
  template <int N>
  __device__ void add(const NormSumsTask<T>& task, std::int64_t base, std::int64_t /*row*/,
                      std::int64_t at, double (&sums)[kSums]) const {
    Pack<T, N> x[kNormUnroll];
    load_piece(x, task.x + base, at, task.pieces, T{0});
#pragma unroll
    for (int u = 0; u < kNormUnroll; ++u) {
      for (int j = 0; j < N; ++j) sums[0] += static_cast<double>(x[u][j]);
    }
  }
};

/// What becomes of the sum of channel c.
template <typename T>
struct KeepSum {
  T* out;
  bool accumulate;

  template <typename Sums>
  __device__ void operator()(std::int64_t c, const Sums& sums, T /*origin*/) const {
    const double before = accumulate ? static_cast<double>(out[c]) : 0.0;
    out[c] = static_cast<T>(before + sums[0]);
  }
};

template <typename T>
cudaError_t launch_bias(const ConvArgs& args, const LaunchContext& context) {
  const ConvShape& shape = args.shape;
  const std::int64_t channels = args.bias_of_input ? shape.channels : shape.outputs;
  const std::int64_t plane = args.bias_of_input ? shape.input_plane() : shape.output_plane();
  if (channels == 0) return cudaSuccess;
  NormSumsTask<T> task{};
  task.x = static_cast<const T*>(args.bias_of_input ? args.input : args.output);
  task.stats = channels;
  task.rows = plane == 0 ? 0 : shape.samples;
  const std::int64_t inner = std::max<std::int64_t>(plane, 1);
  task.stat_pitch = inner;
  task.row_pitch = channels * inner;
  const bool packs = all_aligned(task.x) && inner % kPackSize<T> == 0;
  return launch_norm_sums<PlainSums>(
      task, inner, packs, KeepSum<T>{static_cast<T*>(args.bias), args.accumulate_bias}, context);
}

template <typename Role, typename T>
cudaError_t launch_elements(const ConvTask<T>& task, std::int64_t count,
                            const LaunchContext& context) {
  if (task.depth < kFewestDepth) {
    return launch({resident_blocks(count, kConvThreads, kConvThreads, 8, context), kConvThreads},
                  context, conv_element_kernel<Role, T>, task);
  }
  return launch({resident_blocks(count, 1, kConvThreads, 8, context), kConvThreads,
                 sizeof(T) * kConvThreads / kWarpSize},
                context, conv_sum_kernel<Role, T>, task);
}

template <typename Role, typename T>
cudaError_t launch_product(ConvTask<T> task, const LaunchContext& context) {
  const std::int64_t count = task.shape.groups * task.rows * task.cols;
  if (count == 0) return cudaSuccess;
  if (task.rows <= kFewRows) return launch_elements<Role>(task, count, context);
  const auto room = static_cast<std::int64_t>((kWorkspaceBytes - kTicketBytes) / sizeof(T)) / count;
  task.shares = std::clamp<std::int64_t>(std::min(task.depth / kFewestDepth, room), 1, kMostShares);
  task.share_depth = divide_up(divide_up(task.depth, task.shares), kConvDepth) * kConvDepth;
  if (task.shares > 1) {
    task.partial =
        reinterpret_cast<T*>(static_cast<unsigned char*>(context.workspace) + kTicketBytes);
  }
  const std::int64_t tiles = task.shape.groups * divide_up(task.rows, kConvTile) *
                             divide_up(task.cols, kConvTile) * task.shares;
  const cudaError_t status = launch({tiles, kConvThreads, sizeof(ConvShared<T>)}, context,
                                    conv_tile_kernel<Role, T>, task);
  if (status != cudaSuccess || task.shares == 1) return status;
  return launch({resident_blocks(count, kConvThreads, kConvThreads, 8, context), kConvThreads},
                context, conv_finish_kernel<Role, T>, task);
}

template <typename T>
ConvTask<T> task_of(const ConvArgs& args) {
  ConvTask<T> task{};
  task.shape = args.shape;
  task.input = static_cast<T*>(args.input);
  task.weight = static_cast<T*>(args.weight);
  task.output = static_cast<T*>(args.output);
  task.bias = static_cast<const T*>(args.bias);
  task.accumulate = args.accumulate_weight;
  task.shares = 1;
  return task;
}

template <typename T>
cudaError_t launch_forward(const ConvArgs& args, const LaunchContext& context) {
  const ConvShape& shape = args.shape;
  ConvTask<T> task = task_of<T>(args);
  task.rows = shape.group_outputs();
  task.cols = shape.samples * shape.output_plane();
  task.depth = shape.depth();
  const cudaError_t status = launch_product<ConvForward<T>>(task, context);
  if (status != cudaSuccess || !args.has_activation) return status;
  return launch_unary({.op = args.activation,
                       .dtype = args.dtype,
                       .count = shape.samples * shape.outputs * shape.output_plane(),
                       .x = args.output,
                       .y = args.output,
                       .parameters = args.parameters},
                      context);
}

template <typename T>
cudaError_t launch_input_gradient(const ConvArgs& args, const LaunchContext& context) {
  const ConvShape& shape = args.shape;
  ConvTask<T> task = task_of<T>(args);
  task.rows = shape.group_channels();
  task.cols = shape.samples * shape.input_plane();
  task.depth = shape.group_outputs() * shape.kernel_size();
  return launch_product<ConvInputGradient<T>>(task, context);
}

template <typename T>
cudaError_t launch_weight_gradient(const ConvArgs& args, const LaunchContext& context) {
  const ConvShape& shape = args.shape;
  if (args.bias != nullptr) {
    const cudaError_t status = launch_bias<T>(args, context);
    if (status != cudaSuccess) return status;
  }
  if (args.weight == nullptr) return cudaSuccess;
  ConvTask<T> task = task_of<T>(args);
  task.bias = nullptr;
  task.rows = shape.group_outputs();
  task.cols = shape.depth();
  task.depth = shape.samples * shape.output_plane();
  return launch_product<ConvWeightGradient<T>>(task, context);
}

}  // namespace

cudaError_t launch_conv(const ConvArgs& args, const LaunchContext& context) {
  return visit_arithmetic(args.dtype, name_of(args.op), [&]<typename T>(TypeTag<T>) {
    switch (args.op) {
      case ConvOp::forward: return launch_forward<T>(args, context);
      case ConvOp::input_gradient: return launch_input_gradient<T>(args, context);
      case ConvOp::weight_gradient: break;
    }
    return launch_weight_gradient<T>(args, context);
  });
}

}  // namespace wick::cuda
