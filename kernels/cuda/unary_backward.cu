// SPDX-License-Identifier: MIT
// The gradients of functions of one argument: kernels/formulas/unary.h for CUDA's threads.
#include "kernels/cuda/map.cuh"
#include "kernels/formulas/scalar_math.h"
#include "kernels/formulas/unary.h"
#include "kernels/formulas/visit.h"
#include "wick/core/backend/elementwise.h"
#include "wick/core/error.h"

namespace wick::cuda {
namespace {

template <UnaryOp Op, typename T>
struct UnaryGradient {
  formulas::Parameters<T> parameters;
  __host__ __device__ T operator()(T grad_output, T saved) const {
    return formulas::Unary<Op>::template backward<formulas::ScalarMath<T>>(grad_output, saved,
                                                                           parameters);
  }
};

}  // namespace

cudaError_t launch_unary_backward(const UnaryBackwardArgs& args, const LaunchContext& context) {
  cudaError_t status = cudaErrorInvalidValue;
  visit_arithmetic(args.dtype, info_of(args.op).backward_name, [&]<typename T>(TypeTag<T>) {
    const formulas::Parameters<T> parameters{static_cast<T>(args.parameters.a),
                                             static_cast<T>(args.parameters.b)};
    formulas::visit_enumerator<kUnaryOpCount>(args.op, [&]<UnaryOp Op>(formulas::Constant<Op>) {
      status = launch_map(UnaryGradient<Op, T>{parameters}, static_cast<const T*>(args.grad_output),
                          static_cast<const T*>(args.saved), static_cast<T*>(args.grad_input),
                          args.count, context);
    });
  });
  return status;
}

}  // namespace wick::cuda
