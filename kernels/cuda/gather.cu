// SPDX-License-Identifier: MIT
// Launchers of the gathers.
#include "kernels/cuda/gather.cuh"
#include "wick/core/backend/rows.h"

namespace wick::cuda {
namespace {

template <int N, typename T, typename Source>
cudaError_t launch_channels(GatherTask<T, Source> task, const GatherAffineArgs& args,
                            const LaunchContext& context) {
  const std::int64_t stretches = divide_up(task.pixels, kWarpSize * N * kGatherUnroll);
  for (std::int64_t first = 0; first < task.channels; first += kMostChannels) {
    task.first_channel = first;
    task.used_channels = std::min<std::int64_t>(kMostChannels, task.channels - first);
    for (std::int64_t c = 0; c < task.used_channels; ++c) {
      task.scale[c] = static_cast<const T*>(args.scale)[first + c];
      task.shift[c] = static_cast<const T*>(args.shift)[first + c];
    }
    const std::int64_t warps = task.count * task.used_channels * stretches;
    const cudaError_t status =
        launch({blocks_for(warps, kGatherThreads / kWarpSize), kGatherThreads}, context,
               gather_affine_kernel<N, T, Source>, task, stretches);
    if (status != cudaSuccess) return status;
  }
  return cudaSuccess;
}

template <typename T, typename Source>
cudaError_t launch_gather(const GatherAffineArgs& args, StepOffset offset,
                          const LaunchContext& context) {
  GatherTask<T, Source> task{};
  task.source = static_cast<const Source*>(args.source);
  task.source_rows = args.source_rows;
  task.channels = args.channels;
  task.pixels = args.pixels;
  task.indices = args.indices;
  task.offset = offset;
  task.count = args.count;
  task.out = static_cast<T*>(args.out);
  task.error = context.error;
  constexpr int N = kPackSize<T>;
  const bool vectors = task.pixels % N == 0 && is_aligned(args.source, sizeof(Source) * N) &&
                       is_aligned(args.out, 16);
  return vectors ? launch_channels<N>(task, args, context)
                 : launch_channels<1>(task, args, context);
}

template <typename Unit>
cudaError_t launch_select(const IndexSelectArgs& args, StepOffset offset,
                          const LaunchContext& context) {
  const SelectTask<Unit> task{static_cast<const Unit*>(args.source),
                              args.source_rows,
                              static_cast<std::int64_t>(args.row_bytes / sizeof(Unit)),
                              args.indices,
                              offset,
                              args.count,
                              static_cast<Unit*>(args.out),
                              context.error};
  const std::int64_t threads =
      task.units < kWarpSize
          ? task.count * task.units
          : task.count * divide_up(task.units, kWarpSize * kGatherUnroll) * kWarpSize;
  return launch({blocks_for(threads, kGatherThreads), kGatherThreads}, context,
                index_select_kernel<Unit>, task);
}

}  // namespace

cudaError_t launch_gather_affine(const GatherAffineArgs& args, StepOffset offset,
                                 const LaunchContext& context) {
  if (args.source_dtype != DType::uint8 && args.source_dtype != args.dtype) {
    throw DTypeError(concat("gather_affine: cannot make ", args.dtype, " from ", args.source_dtype,
                            "; use uint8 or ", args.dtype));
  }
  return visit_arithmetic(args.dtype, "gather_affine", [&]<typename T>(TypeTag<T>) {
    if (args.count == 0 || args.channels == 0 || args.pixels == 0) return cudaSuccess;
    return args.source_dtype == DType::uint8 ? launch_gather<T, std::uint8_t>(args, offset, context)
                                             : launch_gather<T, T>(args, offset, context);
  });
}

cudaError_t launch_index_select(const IndexSelectArgs& args, StepOffset offset,
                                const LaunchContext& context) {
  if (args.count == 0 || args.row_bytes == 0) return cudaSuccess;
  // The largest unit that fits rows and addresses.
  const auto fits = [&](std::size_t bytes) {
    return args.row_bytes % bytes == 0 && is_aligned(args.source, bytes) &&
           is_aligned(args.out, bytes);
  };
  if (fits(16)) return launch_select<Pack<std::uint32_t, 4>>(args, offset, context);
  if (fits(8)) return launch_select<std::uint64_t>(args, offset, context);
  if (fits(4)) return launch_select<std::uint32_t>(args, offset, context);
  if (fits(2)) return launch_select<std::uint16_t>(args, offset, context);
  return launch_select<std::uint8_t>(args, offset, context);
}

}  // namespace wick::cuda
