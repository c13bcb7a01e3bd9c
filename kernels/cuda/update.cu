// SPDX-License-Identifier: MIT
// Launchers of the optimizer updates.
#include "core/backend/update.h"
#include "kernels/cuda/update.cuh"

namespace wick::cuda {
namespace {

// One pack per thread: with so many blocks on their way, a device has all the loads under way that
// it can hold.
template <typename T>
Grid update_grid(std::int64_t count, bool vectors) {
  return {blocks_for(divide_up(count, vectors ? kPackSize<T> : 1), kUpdateThreads), kUpdateThreads};
}

}  // namespace

cudaError_t launch_sgd_step(const SgdArgs& args, StepSchedule schedule,
                            const LaunchContext& context) {
  return visit_arithmetic(args.dtype, "sgd_step", [&]<typename T>(TypeTag<T>) {
    const SgdTask<T> task{args.count,
                          static_cast<T*>(args.param),
                          static_cast<const T*>(args.grad),
                          static_cast<T*>(args.momentum_buffer),
                          sgd_options<T>(args),
                          step_scalars(args),
                          schedule};
    constexpr int N = kPackSize<T>;
    const bool vectors = all_aligned(task.param, task.grad, task.buffer);
    const Grid grid = update_grid<T>(args.count, vectors);
    if (task.buffer == nullptr) {
      return launch(grid, context, vectors ? sgd_kernel<N, false, T> : sgd_kernel<1, false, T>,
                    task);
    }
    return launch(grid, context, vectors ? sgd_kernel<N, true, T> : sgd_kernel<1, true, T>, task);
  });
}

cudaError_t launch_adam_step(const AdamArgs& args, StepSchedule schedule,
                             const LaunchContext& context) {
  return visit_arithmetic(args.dtype, "adam_step", [&]<typename T>(TypeTag<T>) {
    const AdamTask<T> task{args.count,
                           static_cast<T*>(args.param),
                           static_cast<const T*>(args.grad),
                           static_cast<T*>(args.exp_avg),
                           static_cast<T*>(args.exp_avg_sq),
                           static_cast<T*>(args.max_exp_avg_sq),
                           adam_options<T>(args),
                           step_scalars(args),
                           schedule};
    constexpr int N = kPackSize<T>;
    const bool vectors =
        all_aligned(task.param, task.grad, task.exp_avg, task.exp_avg_sq, task.max_exp_avg_sq);
    const Grid grid = update_grid<T>(args.count, vectors);
    if (task.max_exp_avg_sq == nullptr) {
      return launch(grid, context, vectors ? adam_kernel<N, false, T> : adam_kernel<1, false, T>,
                    task);
    }
    return launch(grid, context, vectors ? adam_kernel<N, true, T> : adam_kernel<1, true, T>, task);
  });
}

}  // namespace wick::cuda
