// SPDX-License-Identifier: MIT
// Padding and resizing: a thread takes an element of what is written, so that no two add to one
// place.
#include "kernels/cuda/launch.cuh"
#include "kernels/formulas/image.h"

namespace wick::cuda {
namespace {

constexpr int kResampleThreads = 256;

template <typename T>
__global__ void __launch_bounds__(kResampleThreads) resample_kernel(ResampleArgs args) {
  const std::int64_t outputs = args.height.output * args.width.output;
  const std::int64_t inputs = args.height.input * args.width.input;
  for (std::int64_t i = grid_thread(); i < args.planes * outputs; i += grid_threads()) {
    const std::int64_t plane = i / outputs;
    const std::int64_t at = i - plane * outputs;
    const std::int64_t y = at / args.width.output;
    const T* const in = static_cast<const T*>(args.from) + plane * inputs;
    const auto row = formulas::blend_of<T>(args.op, args.height, args.align_corners, y);
    const auto col =
        formulas::blend_of<T>(args.op, args.width, args.align_corners, at - y * args.width.output);
    T value{0};
    if (row.first >= 0 && col.first >= 0) {
      const T* const first = in + row.first * args.width.input;
      const T* const second = in + row.second * args.width.input;
      value = first[col.first];
      if (args.op == ResampleOp::bilinear) {
        value = (T{1} - row.weight) *
                    ((T{1} - col.weight) * first[col.first] + col.weight * first[col.second]) +
                row.weight *
                    ((T{1} - col.weight) * second[col.first] + col.weight * second[col.second]);
      }
    }
    static_cast<T*>(args.to)[i] = value;
  }
}

template <typename T>
__global__ void __launch_bounds__(kResampleThreads) resample_backward_kernel(ResampleArgs args) {
  const std::int64_t outputs = args.height.output * args.width.output;
  const std::int64_t inputs = args.height.input * args.width.input;
  for (std::int64_t i = grid_thread(); i < args.planes * inputs; i += grid_threads()) {
    const std::int64_t plane = i / inputs;
    const std::int64_t at = i - plane * inputs;
    const std::int64_t y = at / args.width.input;
    static_cast<T*>(args.to)[i] = formulas::resample_gradient(
        args, static_cast<const T*>(args.from) + plane * outputs, y, at - y * args.width.input);
  }
}

}  // namespace

cudaError_t launch_resample(const ResampleArgs& args, const LaunchContext& context) {
  return visit_arithmetic(args.dtype, name_of(args.op), [&]<typename T>(TypeTag<T>) {
    const std::int64_t written = args.backward ? args.height.input * args.width.input
                                               : args.height.output * args.width.output;
    const Grid grid{
        resident_blocks(args.planes * written, kResampleThreads, kResampleThreads, 8, context),
        kResampleThreads};
    return args.backward ? launch(grid, context, resample_backward_kernel<T>, args)
                         : launch(grid, context, resample_kernel<T>, args);
  });
}

}  // namespace wick::cuda
