// SPDX-License-Identifier: MIT
// Launchers of the functions of two and three tensors.
#include <cstring>

#include "kernels/cuda/arithmetic.cuh"
#include "kernels/element_bytes.h"
#include "wick/core/error.h"
#include "wick/core/visit_values.h"

namespace wick::cuda {
namespace {

Grid grid_for(std::int64_t count) {
  return {blocks_for(count, kArithmeticThreads), kArithmeticThreads};
}

// Numbers have strides of 0.
const Dims& strides_of(const ElementsRef& elements, const Dims& zeros) {
  return elements.data == nullptr ? zeros : elements.strides;
}

// `elements`, the part of them that begins `at` elements further on.
template <typename T>
Input<T> input(const ElementsRef& elements, std::int64_t at) {
  if (elements.data == nullptr) return {nullptr, number_as<T>(elements.number)};
  return {static_cast<const T*>(elements.data) + at, T{}};
}

template <typename Unit>
Input<Unit> moved_input(const TernaryArgs& args, const ElementsRef& elements, std::int64_t at) {
  if (elements.data != nullptr) return {static_cast<const Unit*>(elements.data) + at, Unit{}};
  Input<Unit> result{nullptr, Unit{}};
  const ElementBytes number = element_bytes(args.dtype, elements.number);
  std::memcpy(&result.number, number.bytes, sizeof(Unit));
  return result;
}

bool has_elements(const Dims& shape) {
  return std::ranges::find(shape, 0) == shape.end();
}

[[noreturn]] void refuse(const char* operation, DType dtype) {
  throw DTypeError(
      concat(operation, ": not of ", dtype, "; convert with Tensor::to(DType::float32)"));
}

// One of the operands may be a number; contiguous otherwise.
template <typename T>
cudaError_t launch_contiguous(const BinaryArgs& args, std::int64_t count, const Offsets<3>& at,
                              const LaunchContext& context) {
  const Input<T> a = input<T>(args.a, at.at[1]);
  const Input<T> b = input<T>(args.b, at.at[2]);
  const BinaryFunction<T> function{args.op, number_as<T>(args.alpha),
                                   a.data == nullptr ? a.number : b.number, a.data == nullptr,
                                   b.data == nullptr};
  return launch_map(function, a.data == nullptr ? b.data : a.data,
                    a.data == nullptr ? nullptr : b.data, static_cast<T*>(args.out) + at.at[0],
                    count, context);
}

// Whether launch_contiguous() does it.
bool are_packs(const BinaryArgs& args, const KernelLoops<3>& loops) {
  if (loops.dims != 1 || loops.strides[0][0] != 1) return false;
  const bool a = args.a.data == nullptr || loops.strides[1][0] == 1;
  const bool b = args.b.data == nullptr || loops.strides[2][0] == 1;
  return a && b && (args.a.data != nullptr || args.b.data != nullptr);
}

template <bool Comparison, typename T>
cudaError_t launch_any(const BinaryArgs& args, const KernelLoops<3>& loops, const Offsets<3>& at,
                       const LaunchContext& context) {
  auto* const kernel = fits_32_bits(loops) ? binary_kernel<std::uint32_t, Comparison, T>
                                           : binary_kernel<std::uint64_t, Comparison, T>;
  using Out = std::conditional_t<Comparison, bool, T>;
  return launch(grid_for(loops.count), context, kernel, args.op, loops,
                static_cast<Out*>(args.out) + at.at[0], input<T>(args.a, at.at[1]),
                input<T>(args.b, at.at[2]), number_as<T>(args.alpha));
}

template <TernaryOp Op, typename T>
cudaError_t launch_function(const TernaryArgs& args, const KernelLoops<4>& loops,
                            const Offsets<4>& at, const LaunchContext& context) {
  auto* const kernel = fits_32_bits(loops) ? ternary_kernel<std::uint32_t, Op, T>
                                           : ternary_kernel<std::uint64_t, Op, T>;
  return launch(grid_for(loops.count), context, kernel, loops, static_cast<T*>(args.out) + at.at[0],
                input<T>(args.a, at.at[1]), input<T>(args.b, at.at[2]), input<T>(args.c, at.at[3]));
}

template <typename Unit>
cudaError_t launch_where(const TernaryArgs& args, const KernelLoops<4>& loops, const Offsets<4>& at,
                         const LaunchContext& context) {
  auto* const kernel =
      fits_32_bits(loops) ? where_kernel<std::uint32_t, Unit> : where_kernel<std::uint64_t, Unit>;
  return launch(
      grid_for(loops.count), context, kernel, loops, static_cast<Unit*>(args.out) + at.at[0],
      static_cast<const bool*>(args.a.data) + at.at[1], moved_input<Unit>(args, args.b, at.at[2]),
      moved_input<Unit>(args, args.c, at.at[3]));
}

cudaError_t launch_any(const TernaryArgs& args, const KernelLoops<4>& loops, const Offsets<4>& at,
                       const LaunchContext& context) {
  if (args.op == TernaryOp::where) {
    switch (size_of(args.dtype)) {
      case 1: return launch_where<std::uint8_t>(args, loops, at, context);
      case 2: return launch_where<std::uint16_t>(args, loops, at, context);
      case 4: return launch_where<std::uint32_t>(args, loops, at, context);
      case 8: return launch_where<std::uint64_t>(args, loops, at, context);
      default: return launch_where<EightByteAligned16>(args, loops, at, context);
    }
  }
  return visit_values(args.dtype, name_of(args.op), [&]<typename T>(TypeTag<T>) {
    if (args.op == TernaryOp::clamp) {
      return launch_function<TernaryOp::clamp, T>(args, loops, at, context);
    }
    if constexpr (std::is_floating_point_v<T>) {
      return launch_function<TernaryOp::lerp, T>(args, loops, at, context);
    } else {
      refuse(name_of(args.op), args.dtype);
      return cudaSuccess;
    }
  });
}

}  // namespace

cudaError_t launch_binary(const BinaryArgs& args, const LaunchContext& context) {
  return visit_values(args.dtype, name_of(args.op), [&]<typename T>(TypeTag<T>) {
    constexpr bool kFloat = std::is_floating_point_v<T>;
    if (!kFloat && args.op == BinaryOp::div) refuse(name_of(args.op), args.dtype);
    if (!has_elements(args.shape)) return cudaSuccess;
    const Dims zeros(args.shape.size(), 0);
    const LoopsOf<3> all = coalesce_sorted<3>(
        args.shape, {&args.out_strides, &strides_of(args.a, zeros), &strides_of(args.b, zeros)});
    return launch_loops<3>(all, [&](const KernelLoops<3>& loops, const Offsets<3>& at) {
      if (is_comparison(args.op)) return launch_any<true, T>(args, loops, at, context);
      if constexpr (kFloat) {
        if (are_packs(args, loops)) {
          return launch_contiguous<T>(args, loops.count, at, context);
        }
      }
      return launch_any<false, T>(args, loops, at, context);
    });
  });
}

cudaError_t launch_ternary(const TernaryArgs& args, const LaunchContext& context) {
  if (!has_elements(args.shape)) return cudaSuccess;
  const Dims zeros(args.shape.size(), 0);
  const LoopsOf<4> all =
      coalesce_sorted<4>(args.shape, {&args.out_strides, &strides_of(args.a, zeros),
                                      &strides_of(args.b, zeros), &strides_of(args.c, zeros)});
  return launch_loops<4>(all, [&](const KernelLoops<4>& loops, const Offsets<4>& at) {
    return launch_any(args, loops, at, context);
  });
}

}  // namespace wick::cuda
