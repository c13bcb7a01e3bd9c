// SPDX-License-Identifier: MIT
#include <algorithm>

#include "kernels/cuda/map.cuh"
#include "kernels/cuda/norm_launch.cuh"
#include "kernels/cuda/prelu.cuh"
#include "wick/core/backend/rows.h"

namespace wick::cuda {
namespace {

struct Shape {
  std::int64_t outer;
  std::int64_t channels;
  std::int64_t inner;

  [[nodiscard]] std::int64_t count() const { return outer * channels * inner; }
  /// Whether each channel has a single element in a row.
  [[nodiscard]] bool has_columns() const { return channels > 1 && inner == 1; }
};

template <bool ByElement, typename T>
cudaError_t launch_rows(PreluTask<T> task, std::int64_t inner, bool packs,
                        const LaunchContext& context) {
  return with_packs<T>(packs, [&](auto size) {
    constexpr int N = decltype(size)::value;
    constexpr int kWaves = 8;
    task.pieces = row_pieces(inner, N, kNormThreads);
    const std::int64_t at_once = kNormThreads >> task.pieces.log_width;
    const std::int64_t blocks =
        resident_blocks(task.rows * task.pieces.pieces, at_once, kNormThreads, kWaves, context);
    set_step(task.pieces, blocks * at_once);
    return launch({blocks, kNormThreads}, context, prelu_kernel<N, ByElement, T>, task);
  });
}

// out = x > 0 ? v : weight * v, where v is x, or the gradient where there is one.
template <typename T>
cudaError_t launch_elements(const T* x, const T* grad_output, const T* weight, T* out,
                            const Shape& shape, const LaunchContext& context) {
  if (shape.count() == 0) return cudaSuccess;
  if (shape.channels == 1) {
    return launch_map(PreluOfOne<T>{weight}, x, grad_output, out, shape.count(), context);
  }
  PreluTask<T> task{x, grad_output, weight, out, shape.outer, {}, Divisor(1)};
  const bool aligned = all_aligned(x, grad_output, out);
  if (shape.has_columns()) {
    const bool packs = aligned && all_aligned(weight) && shape.channels % kPackSize<T> == 0;
    return launch_rows<true>(task, shape.channels, packs, context);
  }
  task.rows = shape.outer * shape.channels;
  task.channels = Divisor(shape.channels);
  return launch_rows<false>(task, shape.inner, aligned && shape.inner % kPackSize<T> == 0, context);
}

template <typename T>
cudaError_t launch_weight_sums(const T* x, const T* grad_output, const KeepPreluWeight<T>& keep,
                               const Shape& shape, const LaunchContext& context) {
  const bool aligned = all_aligned(x, grad_output);
  if (shape.has_columns()) {
    NormColumnsTask<T> task{};
    task.x = x;
    task.grad_output = grad_output;
    task.rows = shape.outer;
    task.cols = shape.channels;
    task.stride = shape.channels;
    return launch_norm_column_sums<PreluColumns>(
        task, aligned && shape.channels % kPackSize<T> == 0, keep, context);
  }
  // One channel is a single row; where there is nothing, no row has an element.
  const bool flat = shape.channels == 1;
  const std::int64_t inner =
      std::max<std::int64_t>(1, flat ? shape.outer * shape.inner : shape.inner);
  NormSumsTask<T> task{};
  task.x = x;
  task.grad_output = grad_output;
  task.stats = shape.channels;
  task.rows = flat ? 1 : shape.outer;
  if (shape.count() == 0) task.rows = 0;
  task.stat_pitch = inner;
  task.row_pitch = shape.channels * inner;
  return launch_norm_sums<PreluSums>(task, inner, aligned && inner % kPackSize<T> == 0, keep,
                                     context);
}

}  // namespace

cudaError_t launch_prelu(const PreluArgs& args, const LaunchContext& context) {
  return visit_arithmetic(args.dtype, "prelu", [&]<typename T>(TypeTag<T>) {
    return launch_elements<T>(static_cast<const T*>(args.x), nullptr,
                              static_cast<const T*>(args.weight), static_cast<T*>(args.y),
                              {args.outer, args.channels, args.inner}, context);
  });
}

cudaError_t launch_prelu_backward(const PreluBackwardArgs& args, const LaunchContext& context) {
  return visit_arithmetic(args.dtype, "prelu_backward", [&]<typename T>(TypeTag<T>) {
    const auto* const x = static_cast<const T*>(args.x);
    const auto* const grad_output = static_cast<const T*>(args.grad_output);
    const Shape shape{args.outer, args.channels, args.inner};
    if (args.grad_input != nullptr) {
      const cudaError_t status =
          launch_elements<T>(x, grad_output, static_cast<const T*>(args.weight),
                             static_cast<T*>(args.grad_input), shape, context);
      if (status != cudaSuccess) return status;
    }
    if (args.grad_weight == nullptr || args.channels == 0) return cudaSuccess;
    return launch_weight_sums<T>(x, grad_output,
                                 {static_cast<T*>(args.grad_weight), args.accumulate_weight}, shape,
                                 context);
  });
}

}  // namespace wick::cuda
