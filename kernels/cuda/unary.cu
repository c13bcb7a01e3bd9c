// SPDX-License-Identifier: MIT
// Functions of one argument: kernels/formulas/unary.h for CUDA's threads.
#include "kernels/cuda/map.cuh"
#include "kernels/formulas/scalar_math.h"
#include "kernels/formulas/unary.h"
#include "kernels/formulas/visit.h"
#include "wick/core/backend/elementwise.h"
#include "wick/core/error.h"

namespace wick::cuda {
namespace {

template <UnaryOp Op, typename T>
struct UnaryFunction {
  formulas::Parameters<T> parameters;
  __host__ __device__ T operator()(T x, T /*unused*/) const {
    return formulas::Unary<Op>::template forward<formulas::ScalarMath<T>>(x, parameters);
  }
};

}  // namespace

cudaError_t launch_unary(const UnaryArgs& args, const LaunchContext& context) {
  cudaError_t status = cudaErrorInvalidValue;
  visit_arithmetic(args.dtype, info_of(args.op).name, [&]<typename T>(TypeTag<T>) {
    const formulas::Parameters<T> parameters{static_cast<T>(args.parameters.a),
                                             static_cast<T>(args.parameters.b)};
    formulas::visit_enumerator<kUnaryOpCount>(args.op, [&]<UnaryOp Op>(formulas::Constant<Op>) {
      status =
          launch_map(UnaryFunction<Op, T>{parameters}, static_cast<const T*>(args.x),
                     static_cast<const T*>(nullptr), static_cast<T*>(args.y), args.count, context);
    });
  });
  return status;
}

}  // namespace wick::cuda
