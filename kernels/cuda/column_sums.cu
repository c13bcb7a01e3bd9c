// SPDX-License-Identifier: MIT
// Launcher of the column sums.
#include "kernels/cuda/column_sums.cuh"

namespace wick::cuda {
namespace {

// Rows that a block takes at least, so that the sums between blocks stay a small part.
constexpr std::int64_t kFewestRows = 64;

template <int N, typename T>
cudaError_t launch_tiles(ColumnSumsTask<T> task, const LaunchContext& context) {
  task.tiles = divide_up(task.cols, kColumnLanes * N);
  const std::int64_t blocks = resident_blocks(task.tiles * divide_up(task.rows, kFewestRows), 1,
                                              kColumnThreads, 1, context);
  task.shares = std::max<std::int64_t>(1, blocks / task.tiles);
  const auto room = static_cast<std::int64_t>((kWorkspaceBytes - kTicketBytes) / sizeof(T));
  task.shares = std::min(task.shares, std::max<std::int64_t>(1, room / task.cols));
  if (task.tiles > static_cast<std::int64_t>(kTicketBytes / sizeof(unsigned))) task.shares = 1;
  task.share_rows = divide_up(task.rows, task.shares);
  return launch({task.tiles * task.shares, kColumnThreads, sizeof(ColumnSumsShared<N, T>)}, context,
                column_sums_kernel<N, T>, task);
}

}  // namespace

cudaError_t launch_column_sums(DType dtype, ConstMatrixRef x, void* out, bool accumulate,
                               const LaunchContext& context) {
  if (x.cols == 0) return cudaSuccess;
  return visit_arithmetic(dtype, "column_sums", [&]<typename T>(TypeTag<T>) {
    auto* const tickets = static_cast<unsigned*>(context.workspace);
    auto* const partial =
        reinterpret_cast<T*>(static_cast<unsigned char*>(context.workspace) + kTicketBytes);
    const ColumnSumsTask<T> task{static_cast<const T*>(x.data),
                                 x.rows,
                                 x.cols,
                                 x.stride,
                                 static_cast<T*>(out),
                                 accumulate,
                                 0,
                                 1,
                                 0,
                                 partial,
                                 tickets};
    return rows_aligned(x, sizeof(T)) ? launch_tiles<kPackSize<T>>(task, context)
                                      : launch_tiles<1>(task, context);
  });
}

}  // namespace wick::cuda
