// SPDX-License-Identifier: MIT
#include "kernels/cuda/prelu.cuh"
#include "wick/core/backend/rows.h"

namespace wick::cuda {
namespace {

template <typename T>
cudaError_t launch_elements(const PreluTask<T>& task, const LaunchContext& context) {
  const std::int64_t count = task.outer * task.channels * task.inner;
  return launch({blocks_for(count, kPreluThreads), kPreluThreads}, context, prelu_kernel<T>, task);
}

}  // namespace

cudaError_t launch_prelu(const PreluArgs& args, const LaunchContext& context) {
  return visit_arithmetic(args.dtype, "prelu", [&]<typename T>(TypeTag<T>) {
    return launch_elements<T>(
        {static_cast<const T*>(args.x), nullptr, static_cast<const T*>(args.weight),
         static_cast<T*>(args.y), nullptr, false, args.outer, args.channels, args.inner},
        context);
  });
}

cudaError_t launch_prelu_backward(const PreluBackwardArgs& args, const LaunchContext& context) {
  return visit_arithmetic(args.dtype, "prelu_backward", [&]<typename T>(TypeTag<T>) {
    const PreluTask<T> task{static_cast<const T*>(args.x),
                            static_cast<const T*>(args.grad_output),
                            static_cast<const T*>(args.weight),
                            static_cast<T*>(args.grad_input),
                            static_cast<T*>(args.grad_weight),
                            args.accumulate_weight,
                            args.outer,
                            args.channels,
                            args.inner};
    if (task.out != nullptr) {
      const cudaError_t status = launch_elements(task, context);
      if (status != cudaSuccess) return status;
    }
    if (task.grad_weight == nullptr) return cudaSuccess;
    return launch({blocks_for(task.channels, 1), kPreluThreads, sizeof(PreluShared)}, context,
                  prelu_weight_kernel<T>, task);
  });
}

}  // namespace wick::cuda
