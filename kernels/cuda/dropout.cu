// SPDX-License-Identifier: MIT
// Launchers of dropout. Which thread draws for which element is as in PyTorch's fused kernel
// (ATen/native/cuda/Dropout.cu).
#include "kernels/cuda/dropout.cuh"
#include "wick/core/backend/random.h"

namespace wick::cuda {
namespace {

std::int64_t dropout_blocks(std::int64_t count, const LaunchContext& context) {
  return resident_blocks(count, kDropoutThreads, kDropoutThreads, 1, context);
}

template <int N, typename T>
cudaError_t launch_packs(const DropoutTask<T>& task, const Grid& grid,
                         const LaunchContext& context) {
  const bool aligned = is_aligned(task.y, N * sizeof(T)) && is_aligned(task.mask, N);
  return aligned ? launch(grid, context, dropout_kernel<N, true, T>, task)
                 : launch(grid, context, dropout_kernel<N, false, T>, task);
}

}  // namespace

std::uint64_t dropout_advance(std::int64_t count, const LaunchContext& context) {
  if (count == 0) return 0;
  const std::int64_t per_round = dropout_blocks(count, context) * kDropoutThreads * kDropoutUnroll;
  return 4 * static_cast<std::uint64_t>((count - 1) / per_round + 1);
}

cudaError_t launch_dropout(const DropoutArgs& args, PhiloxState state, PhiloxSchedule schedule,
                           const LaunchContext& context) {
  return visit_arithmetic(args.dtype, "dropout", [&]<typename T>(TypeTag<T>) {
    const T keep = static_cast<T>(1.0 - args.p);
    const DropoutTask<T> task{static_cast<const T*>(args.x),
                              static_cast<T*>(args.y),
                              static_cast<unsigned char*>(args.mask),
                              args.count,
                              keep,
                              static_cast<T>(1.0 / static_cast<double>(keep)),
                              {state, schedule}};
    const Grid grid{dropout_blocks(args.count, context), kDropoutThreads};
    // As many neighbours as 16 bytes hold, or half as many and so on, until x is aligned to them
    // and nothing is left over.
    int neighbours = kPackSize<T>;
    while (neighbours > 1 &&
           (!is_aligned(args.x, static_cast<std::size_t>(neighbours) * sizeof(T)) ||
            args.count % neighbours != 0)) {
      neighbours /= 2;
    }
    if constexpr (kPackSize<T> == 4) {
      if (neighbours == 4) return launch_packs<4>(task, grid, context);
    }
    if (neighbours == 2) return launch_packs<2>(task, grid, context);
    return launch(grid, context, dropout_single_kernel<T>, task);
  });
}

cudaError_t launch_masked_scale(const MaskedScaleArgs& args, const LaunchContext& context) {
  return visit_arithmetic(args.dtype, "masked_scale", [&]<typename T>(TypeTag<T>) {
    if (args.count == 0) return cudaSuccess;
    constexpr int N = kPackSize<T>;
    const auto* const x = static_cast<const T*>(args.x);
    const auto* const mask = static_cast<const unsigned char*>(args.mask);
    auto* const y = static_cast<T*>(args.y);
    const T scale = static_cast<T>(args.scale);
    if (all_aligned(x, y) && is_aligned(mask, N)) {
      return launch({blocks_for(divide_up(args.count, N), kMapThreads), kMapThreads}, context,
                    masked_scale_kernel<N, T>, x, mask, scale, y, args.count);
    }
    return launch({blocks_for(args.count, kMapThreads), kMapThreads}, context,
                  masked_scale_kernel<1, T>, x, mask, scale, y, args.count);
  });
}

}  // namespace wick::cuda
