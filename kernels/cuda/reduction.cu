// SPDX-License-Identifier: MIT
// Launcher of the reductions. How the work is cut up depends on the shape alone.
#include <limits>

#include "kernels/cuda/reduction.cuh"
#include "wick/core/error.h"
#include "wick/core/visit_values.h"

namespace wick::cuda {
namespace {

// Elements along the dimension that a part has at least.
constexpr std::int64_t kFewestInPart = 4096;
// So many units keep a device busy.
constexpr std::int64_t kWantedUnits = 1024;

template <typename Reduction, typename T>
cudaError_t launch_once(const Reduction& reduction, const ReduceTask<T>& task,
                        typename Reduction::Sum* partial, const LaunchContext& context) {
  using Sum = typename Reduction::Sum;
  const std::int64_t across = kReduceThreads / task.along;
  const std::int64_t units = divide_up(task.outer * task.inner, across) * task.parts;
  return launch({resident_blocks(units, 1, kReduceThreads, 8, context), kReduceThreads,
                 sizeof(ReduceShared<Sum>)},
                context, reduce_kernel<Reduction, T>, reduction, task, partial);
}

int threads_along(bool rows, std::int64_t size) {
  if (!rows || size <= 64) return 8;
  return size <= 2048 ? 32 : kReduceThreads;
}

template <typename Reduction, typename T>
cudaError_t launch_parts(const Reduction& reduction, ReduceTask<T> task,
                         const LaunchContext& context) {
  using Sum = typename Reduction::Sum;
  const std::int64_t outputs = task.outer * task.inner;
  if (outputs == 0) return cudaSuccess;
  task.rows = task.inner == 1 || task.inner_stride > task.size_stride;
  task.along = threads_along(task.rows, task.size);
  const std::int64_t tiles = divide_up(outputs, kReduceThreads / task.along);
  const auto room = static_cast<std::int64_t>((kWorkspaceBytes - kTicketBytes) / sizeof(Sum));
  const std::int64_t most = task.rows ? kFewestInPart : kFewestInPart / 16;
  task.parts =
      std::min({divide_up(task.size, most), divide_up(kWantedUnits, tiles), room / outputs});
  task.parts = std::max<std::int64_t>(task.parts, 1);
  task.part_size = divide_up(task.size, task.parts);
  auto* const partial =
      reinterpret_cast<Sum*>(static_cast<unsigned char*>(context.workspace) + kTicketBytes);
  const cudaError_t status = launch_once(reduction, task, partial, context);
  if (status != cudaSuccess || task.parts == 1) return status;
  const ReduceTask<Sum> rest{.x = partial,
                             .outer = 1,
                             .size = task.parts,
                             .inner = outputs,
                             .outer_stride = 0,
                             .size_stride = outputs,
                             .inner_stride = 1,
                             .along = outputs == 1 ? kReduceThreads : 8,
                             .rows = false,
                             .parts = 1,
                             .part_size = task.parts};
  return launch_once(reduction, rest, partial, context);
}

}  // namespace

cudaError_t launch_reduce(const ReduceArgs& args, const LaunchContext& context) {
  return visit_values(args.dtype, name_of(args.op), [&]<typename T>(TypeTag<T>) {
    const ReduceTask<T> task{.x = static_cast<const T*>(args.x),
                             .outer = args.outer,
                             .size = args.size,
                             .inner = args.inner,
                             .outer_stride = args.outer_stride,
                             .size_stride = args.size_stride,
                             .inner_stride = args.inner_stride,
                             .along = 2,
                             .rows = false,
                             .parts = 1,
                             .part_size = 0};
    auto* const out = static_cast<T*>(args.out);
    if (args.op == ReduceOp::min) {
      return launch_parts(ExtremeReduction<false, T>{out, args.indices}, task, context);
    }
    if (args.op == ReduceOp::max) {
      return launch_parts(ExtremeReduction<true, T>{out, args.indices}, task, context);
    }
    if constexpr (std::is_floating_point_v<T>) {
      const bool mean = args.op == ReduceOp::mean;
      const double divisor = mean ? static_cast<double>(args.size) : 1.0;
      return launch_parts(SumReduction<double, T>{out, divisor}, task, context);
    } else {
      using Acc = unsigned long long;
      return launch_parts(SumReduction<Acc, std::int64_t>{static_cast<std::int64_t*>(args.out), 1},
                          task, context);
    }
  });
}

}  // namespace wick::cuda
