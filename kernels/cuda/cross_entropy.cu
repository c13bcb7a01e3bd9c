// SPDX-License-Identifier: MIT
// Launcher of the cross-entropy: which of its kernels a shape gets.
#include "kernels/cuda/cross_entropy.cuh"
#include "kernels/cuda/nll_loss.cuh"
#include "wick/core/backend/rows.h"

namespace wick::cuda {
namespace {

constexpr std::int64_t kMostPartials = 8192;  // blocks of one launch
constexpr std::int64_t kNormBlocks = 128;
// Up to so many targets, every block counts them; above, a kernel before does it once.
constexpr std::int64_t kCountedByAll = 4096;

// What lies in the workspace behind the tickets.
struct Scratch {
  LossNorm norm;
  double partial[2 * kMostPartials];
};
static_assert(sizeof(Scratch) <= kWorkspaceBytes - kTicketBytes);

template <int PerLane, typename T>
cudaError_t launch_warps(const CrossEntropyTask<T>& task, const LaunchContext& context) {
  const std::int64_t blocks =
      std::min(resident_blocks(task.rows, kLossWarps, kLossThreads, 1, context), kMostPartials);
  return launch({std::max<std::int64_t>(1, blocks), kLossThreads, sizeof(LossShared)}, context,
                cross_entropy_warp_kernel<PerLane, T>, task);
}

template <typename T>
cudaError_t launch_blocks(const CrossEntropyTask<T>& task, const LaunchContext& context) {
  constexpr std::size_t kSharedByDefault = 48 << 10;
  const std::size_t row = static_cast<std::size_t>(task.classes) * sizeof(T);
  const bool cached = row <= kSharedByDefault - kRowCacheOffset<T>;
  const std::int64_t blocks =
      std::min(resident_blocks(task.rows, 1, kLossThreads, 1, context), kMostPartials);
  return launch(
      {std::max<std::int64_t>(1, blocks), kLossThreads, kRowCacheOffset<T> + (cached ? row : 0)},
      context, cross_entropy_block_kernel<T>, task, cached);
}

template <typename T>
cudaError_t launch_nll(const CrossEntropyTask<T>& task, const LaunchContext& context) {
  const std::int64_t blocks =
      std::min(resident_blocks(task.rows, kLossWarps, kLossThreads, 1, context), kMostPartials);
  return launch({std::max<std::int64_t>(1, blocks), kLossThreads, sizeof(LossShared)}, context,
                nll_loss_kernel<T>, task);
}

cudaError_t launch_class_loss(const CrossEntropyArgs& args, double* loss_total, bool are_logs,
                              const LaunchContext& context) {
  const char* const name = are_logs ? "nll_loss" : "cross_entropy";
  return visit_arithmetic(args.dtype, name, [&]<typename T>(TypeTag<T>) {
    auto& scratch =
        *reinterpret_cast<Scratch*>(static_cast<unsigned char*>(context.workspace) + kTicketBytes);
    const std::int64_t classes = args.logits.cols;
    CrossEntropyTask<T> task{
        static_cast<const T*>(args.logits.data),
        args.logits.stride,
        args.logits.rows,
        classes,
        args.targets,
        static_cast<const T*>(args.class_weights),
        static_cast<T>(args.label_smoothing / static_cast<double>(classes)),
        static_cast<T>(1.0 - args.label_smoothing),
        args.ignore_index,
        args.mean,
        rows_aligned(args.logits, sizeof(T)) && rows_aligned(args.grad, sizeof(T)),
        static_cast<T*>(args.loss),
        loss_total,
        static_cast<T*>(args.losses),
        static_cast<T*>(args.grad.data),
        args.grad.stride,
        nullptr,
        scratch.partial,
        static_cast<unsigned*>(context.workspace),
        context.error};
    if (task.class_weights != nullptr || (task.mean && task.rows > kCountedByAll)) {
      const std::int64_t blocks = std::min(divide_up(task.rows, kLossThreads * 4), kNormBlocks);
      const cudaError_t status =
          launch({std::max<std::int64_t>(1, blocks), kLossThreads, sizeof(LossShared)}, context,
                 loss_norm_kernel<T>, task, &scratch.norm);
      if (status != cudaSuccess) return status;
      task.norm = &scratch.norm;
    }
    if (are_logs) return launch_nll(task, context);
    // 32 registers of a lane hold a row.
    constexpr int kMostPerLane = 128 / static_cast<int>(sizeof(T));
    if (classes <= kWarpSize * 4) return launch_warps<4>(task, context);
    if (classes <= kWarpSize * kMostPerLane) return launch_warps<kMostPerLane>(task, context);
    return launch_blocks(task, context);
  });
}

}  // namespace

cudaError_t launch_cross_entropy(const CrossEntropyArgs& args, double* loss_total,
                                 const LaunchContext& context) {
  return launch_class_loss(args, loss_total, false, context);
}

cudaError_t launch_nll_loss(const CrossEntropyArgs& args, const LaunchContext& context) {
  return launch_class_loss(args, args.loss_sum, true, context);
}

}  // namespace wick::cuda
