// SPDX-License-Identifier: MIT
// Launchers of the reductions of a vector and of scaling by a norm.
#include "kernels/convert.h"
#include "kernels/cuda/vector_reduce.cuh"
#include "kernels/formulas/visit.h"
#include "wick/core/backend/vector_reduce.h"

namespace wick::cuda {
namespace {

constexpr std::int64_t kMostBlocks = 4096;
static_assert(kMostBlocks * sizeof(double) <= kWorkspaceBytes - kTicketBytes);

std::int64_t blocks_of(std::int64_t count, const LaunchContext& context) {
  const std::int64_t blocks =
      std::min(resident_blocks(count, kReduceThreads, kReduceThreads, 1, context), kMostBlocks);
  return std::max<std::int64_t>(1, blocks);
}

}  // namespace

cudaError_t launch_vector_reduce(const VectorReduceArgs& args, const LaunchContext& context) {
  return visit_arithmetic(args.dtype, name_of(args.op), [&]<typename T>(TypeTag<T>) {
    auto* const workspace = static_cast<unsigned char*>(context.workspace);
    const auto* const a = static_cast<const T*>(args.a);
    const VectorReduceTask<T> task{
        a,
        args.op == VectorReduceOp::dot ? static_cast<const T*>(args.b) : a,
        args.count,
        args.power,
        args.out,
        args.accumulate,
        reinterpret_cast<double*>(workspace + kTicketBytes),
        reinterpret_cast<unsigned*>(workspace)};
    const Grid grid{blocks_of(args.count, context), kReduceThreads, sizeof(ReduceShared)};
    cudaError_t status = cudaErrorInvalidValue;
    formulas::visit_enumerator<kVectorReduceOpCount>(
        args.op, [&]<VectorReduceOp Op>(formulas::Constant<Op>) {
          status = launch(grid, context, reduce_kernel<Op, T>, task);
        });
    return status;
  });
}

cudaError_t launch_scale_by_norm(const ScaleByNormArgs& args, const LaunchContext& context) {
  const Grid grid{blocks_of(args.count, context), kReduceThreads};
  return visit_arithmetic(args.dtype, "scale_by_norm", [&]<typename T>(TypeTag<T>) {
    return visit_arithmetic(args.norm_dtype, "scale_by_norm", [&]<typename N>(TypeTag<N>) {
      return launch(grid, context, scale_by_norm_kernel<T, N>, args);
    });
  });
}

}  // namespace wick::cuda
