// SPDX-License-Identifier: MIT
#include "kernels/cuda/index_add.cuh"
#include "wick/core/backend/rows.h"

namespace wick::cuda {

cudaError_t launch_index_add(const IndexAddArgs& args, const LaunchContext& context) {
  return visit_arithmetic(args.dtype, "index_add", [&]<typename T>(TypeTag<T>) {
    if (args.count == 0) return cudaSuccess;
    const IndexAddTask<T> task{static_cast<const T*>(args.rows),
                               args.cols,
                               args.indices,
                               args.count,
                               args.ignore_index,
                               args.source_rows,
                               static_cast<T*>(args.sums),
                               context.error};
    // Without columns, the indices are checked all the same.
    const std::int64_t stretches =
        std::max<std::int64_t>(1, divide_up(args.cols, kWarpSize * kIndexAddUnroll));
    return launch(
        {blocks_for(args.count * stretches, kIndexAddThreads / kWarpSize), kIndexAddThreads},
        context, index_add_kernel<T>, task, stretches);
  });
}

}  // namespace wick::cuda
