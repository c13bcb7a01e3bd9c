// SPDX-License-Identifier: MIT
// Launchers of argmax and of the count of hits.
#include "kernels/cuda/argmax.cuh"
#include "wick/core/backend/matrix.h"

namespace wick::cuda {
namespace {

constexpr std::int64_t kWarpCols = 4096;  // from here on a row gets a block

Grid argmax_grid(ConstMatrixRef x, std::size_t shared_bytes, const LaunchContext& context) {
  const std::int64_t rows_per_block = x.cols < kWarpCols ? kArgmaxWarps : 1;
  return {resident_blocks(x.rows, rows_per_block, kArgmaxThreads, 4, context), kArgmaxThreads,
          shared_bytes};
}

}  // namespace

cudaError_t launch_argmax(DType dtype, ConstMatrixRef x, std::int64_t* out,
                          const LaunchContext& context) {
  return visit_arithmetic(dtype, "argmax", [&]<typename T>(TypeTag<T>) {
    const Grid grid = argmax_grid(x, sizeof(ArgmaxShared<T>), context);
    auto* const kernel =
        x.cols < kWarpCols ? argmax_kernel<kWarpSize, T> : argmax_kernel<kArgmaxThreads, T>;
    return launch(grid, context, kernel, static_cast<const T*>(x.data), x.rows, x.cols, x.stride,
                  out);
  });
}

cudaError_t launch_count_hits(DType dtype, ConstMatrixRef x, const std::int64_t* labels,
                              std::int64_t* hits, bool accumulate, const LaunchContext& context) {
  return visit_arithmetic(dtype, "count_hits", [&]<typename T>(TypeTag<T>) {
    Grid grid = argmax_grid(x, sizeof(ArgmaxShared<T>), context);
    grid.blocks = std::max<std::int64_t>(1, grid.blocks);  // no rows are no hits
    auto* const kernel =
        x.cols < kWarpCols ? count_hits_kernel<kWarpSize, T> : count_hits_kernel<kArgmaxThreads, T>;
    auto* const count = static_cast<unsigned long long*>(context.workspace);
    return launch(grid, context, kernel, static_cast<const T*>(x.data), x.rows, x.cols, x.stride,
                  labels, hits, accumulate, count, reinterpret_cast<unsigned*>(count + 1));
  });
}

}  // namespace wick::cuda
