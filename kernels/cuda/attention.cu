// SPDX-License-Identifier: MIT
// Launchers of attention.
#include "kernels/cuda/attention.cuh"

namespace wick::cuda {
namespace {

template <typename T>
HeadRows<T> rows_of(const HeadsRef& ref) {
  return {static_cast<T*>(ref.data), ref.batch, ref.head, ref.row};
}
template <typename T>
HeadRows<const T> rows_of(const ConstHeadsRef& ref) {
  return {static_cast<const T*>(ref.data), ref.batch, ref.head, ref.row};
}

template <typename T>
AttentionTask<T> task_of(const AttentionInputs& args) {
  AttentionTask<T> task{};
  task.shape = args.shape;
  task.query = rows_of<T>(args.query);
  task.key = rows_of<T>(args.key);
  task.value = rows_of<T>(args.value);
  task.masks[0] = args.masks[0];
  task.masks[1] = args.masks[1];
  task.causal = args.causal;
  task.scale = static_cast<T>(args.scale);
  task.kept = static_cast<const unsigned char*>(args.kept);
  task.kept_scale = static_cast<T>(args.kept_scale);
  return task;
}

Grid grid_of(const AttentionShape& shape, std::int64_t rows) {
  constexpr std::int64_t kWarps = kAttentionThreads / kWarpSize;
  return {blocks_for(shape.batches * shape.heads * rows, kWarps), kAttentionThreads};
}

}  // namespace

cudaError_t launch_attention(const AttentionArgs& args, const LaunchContext& context) {
  return visit_arithmetic(args.dtype, "attention", [&]<typename T>(TypeTag<T>) {
    AttentionTask<T> task = task_of<T>(args);
    task.output = rows_of<T>(args.output);
    task.log_sums = static_cast<T*>(args.log_sums);
    return launch(grid_of(args.shape, args.shape.queries), context, attention_kernel<T>, task);
  });
}

cudaError_t launch_attention_backward(const AttentionBackwardArgs& args,
                                      const LaunchContext& context) {
  return visit_arithmetic(args.dtype, "attention_backward", [&]<typename T>(TypeTag<T>) {
    AttentionTask<T> task = task_of<T>(args);
    // These two are only read.
    task.output = {static_cast<T*>(const_cast<void*>(args.output.data)), args.output.batch,
                   args.output.head, args.output.row};
    task.log_sums = static_cast<T*>(const_cast<void*>(args.log_sums));
    task.grad_output = rows_of<T>(args.grad_output);
    task.deltas = static_cast<T*>(args.deltas);
    task.grad_query = rows_of<T>(args.grad_query);
    task.grad_key = rows_of<T>(args.grad_key);
    task.grad_value = rows_of<T>(args.grad_value);
    const Grid queries = grid_of(args.shape, args.shape.queries);
    cudaError_t status = launch(queries, context, attention_deltas_kernel<T>, task);
    if (status == cudaSuccess && task.grad_query.data != nullptr) {
      status = launch(queries, context, attention_query_grad_kernel<T>, task);
    }
    if (status == cudaSuccess &&
        (task.grad_key.data != nullptr || task.grad_value.data != nullptr)) {
      status =
          launch(grid_of(args.shape, args.shape.keys), context, attention_key_grad_kernel<T>, task);
    }
    return status;
  });
}

}  // namespace wick::cuda
