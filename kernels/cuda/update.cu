// SPDX-License-Identifier: MIT
// Launcher of the optimizer updates.
#include "kernels/cuda/update.cuh"
#include "kernels/formulas/visit.h"
#include "wick/core/backend/update.h"

namespace wick::cuda {
namespace {

// One pack per thread: with so many blocks on their way, a device has all the loads under way that
// it can hold.
template <typename T>
Grid update_grid(std::int64_t count, bool vectors) {
  return {blocks_for(divide_up(count, vectors ? kPackSize<T> : 1), kUpdateThreads), kUpdateThreads};
}

/// `States` is the first set of tensors to be tried.
template <UpdateOp Op, typename T, formulas::StateMask States = 0>
cudaError_t launch_for(formulas::StateMask states, const UpdateTask<T>& task,
                       const LaunchContext& context) {
  if constexpr (States < (1U << kMaxUpdateState)) {
    if constexpr (formulas::has_states(Op, States)) {
      if (states == States) {
        const bool vectors =
            all_aligned(task.param, task.grad, task.state[0], task.state[1], task.state[2]);
        return launch(
            update_grid<T>(task.count, vectors), context,
            vectors ? update_kernel<Op, States, kPackSize<T>, T> : update_kernel<Op, States, 1, T>,
            task);
      }
    }
    return launch_for<Op, T, States + 1>(states, task, context);
  } else {
    return cudaErrorInvalidValue;
  }
}

}  // namespace

cudaError_t launch_update(const UpdateArgs& args, StepSchedule schedule,
                          const LaunchContext& context) {
  return visit_arithmetic(args.dtype, info_of(args.op).name, [&]<typename T>(TypeTag<T>) {
    UpdateTask<T> task{};
    task.count = args.count;
    task.param = static_cast<T*>(args.param);
    task.grad = static_cast<const T*>(args.grad);
    for (std::size_t k = 0; k < args.state.size(); ++k) {
      task.state[k] = static_cast<T*>(args.state[k]);
    }
    task.options = update_options<T>(args);
    task.scalars = step_scalars(args);
    task.schedule = schedule;
    const formulas::StateMask states = states_of(args);
    cudaError_t status = cudaSuccess;
    if (args.count == 0) return status;
    formulas::visit_enumerator<kUpdateOpCount>(args.op, [&]<UpdateOp Op>(formulas::Constant<Op>) {
      status = launch_for<Op>(states, task, context);
    });
    return status;
  });
}

}  // namespace wick::cuda
