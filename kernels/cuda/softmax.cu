// SPDX-License-Identifier: MIT
#include "kernels/cuda/softmax.cuh"
#include "wick/core/backend/rows.h"

namespace wick::cuda {
namespace {

// Elements of a row from which on a block shares it.
constexpr std::int64_t kLongRow = 2048;

template <int N, typename T>
cudaError_t launch_rows(const SoftmaxTask<T>& task, const LaunchContext& context) {
  const bool is_long = task.size >= kLongRow;
  const std::int64_t per_block = is_long ? 1 : kSoftmaxThreads / kWarpSize;
  const Grid grid{blocks_for(task.outer, per_block), kSoftmaxThreads, sizeof(SoftmaxShared<T>)};
  return is_long ? launch(grid, context, softmax_rows_kernel<N, kSoftmaxThreads, T>, task)
                 : launch(grid, context, softmax_rows_kernel<N, kWarpSize, T>, task);
}

template <typename T>
cudaError_t launch_any(const SoftmaxTask<T>& task, const LaunchContext& context) {
  if (task.outer == 0 || task.size == 0 || task.inner == 0) return cudaSuccess;
  if (task.inner == 1) {
    constexpr int N = kPackSize<T>;
    return task.size % N == 0 && all_aligned(task.x, task.grad_output, task.out)
               ? launch_rows<N>(task, context)
               : launch_rows<1>(task, context);
  }
  return launch({blocks_for(task.outer * task.inner, kSoftmaxThreads), kSoftmaxThreads}, context,
                softmax_columns_kernel<T>, task);
}

}  // namespace

cudaError_t launch_softmax(const SoftmaxArgs& args, const LaunchContext& context) {
  return visit_arithmetic(args.dtype, "softmax", [&]<typename T>(TypeTag<T>) {
    return launch_any<T>({static_cast<const T*>(args.x), nullptr, static_cast<T*>(args.y),
                          args.outer, args.size, args.inner, args.log},
                         context);
  });
}

cudaError_t launch_softmax_backward(const SoftmaxBackwardArgs& args, const LaunchContext& context) {
  return visit_arithmetic(args.dtype, "softmax_backward", [&]<typename T>(TypeTag<T>) {
    return launch_any<T>(
        {static_cast<const T*>(args.y), static_cast<const T*>(args.grad_output),
         static_cast<T*>(args.grad_input), args.outer, args.size, args.inner, args.log},
        context);
  });
}

}  // namespace wick::cuda
