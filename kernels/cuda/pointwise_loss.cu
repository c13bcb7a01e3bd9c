// SPDX-License-Identifier: MIT
#include "kernels/cuda/pointwise_loss.cuh"
#include "kernels/formulas/visit.h"
#include "wick/core/backend/loss.h"

namespace wick::cuda {
namespace {

constexpr std::int64_t kMostBlocks = 4096;
static_assert(kMostBlocks * sizeof(double) <= kWorkspaceBytes - kTicketBytes);

}  // namespace

cudaError_t launch_pointwise_loss(const PointwiseLossArgs& args, const LaunchContext& context) {
  return visit_arithmetic(args.dtype, name_of(args.op), [&]<typename T>(TypeTag<T>) {
    const std::int64_t count = args.rows * args.cols;
    const double divisor = args.divisor;
    auto* const workspace = static_cast<unsigned char*>(context.workspace);
    const PointwiseLossTask<T> task{static_cast<const T*>(args.input),
                                    static_cast<const T*>(args.target),
                                    static_cast<const T*>(args.weight),
                                    static_cast<const T*>(args.pos_weight),
                                    static_cast<const T*>(args.var),
                                    static_cast<T*>(args.losses),
                                    static_cast<T*>(args.grad),
                                    static_cast<T*>(args.grad_var),
                                    count,
                                    args.cols,
                                    static_cast<T>(args.a),
                                    static_cast<T>(args.b),
                                    static_cast<T>(1.0 / divisor),
                                    divisor,
                                    static_cast<T*>(args.loss),
                                    args.loss_sum,
                                    reinterpret_cast<double*>(workspace + kTicketBytes),
                                    reinterpret_cast<unsigned*>(workspace)};
    const std::int64_t blocks =
        std::min(resident_blocks(count, kPointwiseLossThreads, kPointwiseLossThreads, 1, context),
                 kMostBlocks);
    const Grid grid{std::max<std::int64_t>(1, blocks), kPointwiseLossThreads,
                    sizeof(PointwiseLossShared)};
    cudaError_t status = cudaSuccess;
    formulas::visit_enumerator<kLossOpCount>(args.op, [&]<LossOp Op>(formulas::Constant<Op>) {
      status = launch(grid, context, pointwise_loss_kernel<Op, T>, task);
    });
    return status;
  });
}

}  // namespace wick::cuda
