// SPDX-License-Identifier: MIT
// Launcher of the column sums.
#include "kernels/cuda/column_sums.cuh"
#include "wick/core/backend/matrix.h"

namespace wick::cuda {
namespace {

// Rows that a block takes at least, so that the sums between blocks stay a small part.
constexpr std::int64_t kFewestRows = 64;

template <int N, typename X, typename Out>
cudaError_t launch_tiles(ColumnSumsTask<X, Out> task, const LaunchContext& context) {
  using T = Computed<X>;
  task.tiles = divide_up(task.cols, kColumnLanes * N);
  const std::int64_t blocks = resident_blocks(task.tiles * divide_up(task.rows, kFewestRows), 1,
                                              kColumnThreads, 1, context);
  task.shares = std::max<std::int64_t>(1, blocks / task.tiles);
  const auto room = static_cast<std::int64_t>((kWorkspaceBytes - kTicketBytes) / sizeof(T));
  task.shares = std::min(task.shares, std::max<std::int64_t>(1, room / task.cols));
  if (task.tiles > static_cast<std::int64_t>(kTicketBytes / sizeof(unsigned))) task.shares = 1;
  task.share_rows = divide_up(task.rows, task.shares);
  return launch({task.tiles * task.shares, kColumnThreads, sizeof(ColumnSumsShared<N, T>)}, context,
                column_sums_kernel<N, X, Out>, task);
}

template <typename X, typename Out>
cudaError_t launch_sums(ConstMatrixRef x, void* out, bool accumulate,
                        const LaunchContext& context) {
  auto* const tickets = static_cast<unsigned*>(context.workspace);
  auto* const partial =
      reinterpret_cast<Computed<X>*>(static_cast<unsigned char*>(context.workspace) + kTicketBytes);
  const ColumnSumsTask<X, Out> task{static_cast<const X*>(x.data),
                                    x.rows,
                                    x.cols,
                                    x.stride,
                                    static_cast<Out*>(out),
                                    accumulate,
                                    0,
                                    1,
                                    0,
                                    partial,
                                    tickets};
  return rows_aligned(x, sizeof(X)) ? launch_tiles<kPackSize<X>>(task, context)
                                    : launch_tiles<1>(task, context);
}

}  // namespace

cudaError_t launch_column_sums(DType dtype, ConstMatrixRef x, DType out_dtype, void* out,
                               bool accumulate, const LaunchContext& context) {
  if (x.cols == 0) return cudaSuccess;
  if (dtype == DType::bfloat16) {
    return out_dtype == DType::bfloat16
               ? launch_sums<bfloat16, bfloat16>(x, out, accumulate, context)
               : launch_sums<bfloat16, float>(x, out, accumulate, context);
  }
  return visit_arithmetic(dtype, "column_sums", [&]<typename T>(TypeTag<T>) {
    return launch_sums<T, T>(x, out, accumulate, context);
  });
}

}  // namespace wick::cuda
