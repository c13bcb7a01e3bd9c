// SPDX-License-Identifier: MIT
// Pooling: a thread takes an element of what is written, so that no two add to one place.
#include "kernels/cuda/launch.cuh"
#include "kernels/formulas/image.h"

namespace wick::cuda {
namespace {

constexpr int kPoolThreads = 256;

template <typename T>
__global__ void __launch_bounds__(kPoolThreads) pool_kernel(PoolArgs args) {
  const std::int64_t outputs = args.height.output * args.width.output;
  const std::int64_t inputs = args.height.input * args.width.input;
  for (std::int64_t i = grid_thread(); i < args.planes * outputs; i += grid_threads()) {
    const std::int64_t plane = i / outputs;
    const std::int64_t at = i - plane * outputs;
    const std::int64_t y = at / args.width.output;
    const std::int64_t x = at - y * args.width.output;
    const T* const in = static_cast<const T*>(args.from) + plane * inputs;
    T* const out = static_cast<T*>(args.to);
    if (is_max(args.op)) {
      const formulas::Largest<T> best = formulas::largest_of(args, in, y, x);
      out[i] = best.value;
      if (args.indices != nullptr) args.indices[i] = best.index;
    } else {
      out[i] = formulas::average_of(args, in, y, x);
    }
  }
}

template <typename T>
__global__ void __launch_bounds__(kPoolThreads) pool_backward_kernel(PoolArgs args) {
  const std::int64_t outputs = args.height.output * args.width.output;
  const std::int64_t inputs = args.height.input * args.width.input;
  for (std::int64_t i = grid_thread(); i < args.planes * inputs; i += grid_threads()) {
    const std::int64_t plane = i / inputs;
    const std::int64_t at = i - plane * inputs;
    const std::int64_t y = at / args.width.input;
    const std::int64_t* const indices =
        args.indices == nullptr ? nullptr : args.indices + plane * outputs;
    static_cast<T*>(args.to)[i] =
        formulas::pool_gradient(args, static_cast<const T*>(args.from) + plane * outputs, indices,
                                y, at - y * args.width.input);
  }
}

}  // namespace

cudaError_t launch_pool(const PoolArgs& args, const LaunchContext& context) {
  return visit_arithmetic(args.dtype, name_of(args.op), [&]<typename T>(TypeTag<T>) {
    const std::int64_t written = args.backward ? args.height.input * args.width.input
                                               : args.height.output * args.width.output;
    const Grid grid{resident_blocks(args.planes * written, kPoolThreads, kPoolThreads, 8, context),
                    kPoolThreads};
    return args.backward ? launch(grid, context, pool_backward_kernel<T>, args)
                         : launch(grid, context, pool_kernel<T>, args);
  });
}

}  // namespace wick::cuda
