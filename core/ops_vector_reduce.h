// SPDX-License-Identifier: MIT
// Reductions of a tensor to one number; see core/ops.h for what holds of all operations.
#pragma once

#include "wick/core/backend/vector_reduce.h"
#include "wick/core/compiler.h"
#include "wick/core/tensor.h"

namespace wick::ops {

struct VectorReduceOptions {
  const Tensor* other = nullptr;  // of dot: of the shape of x
  double power = 2.0;             // of power_sum, above 0
  bool accumulate = false;        // together with what is in `out`
};

/// out (one element, float64) = the reduction of all elements of x, which is contiguous. On a GPU
/// nobody waits for it.
WICK_API void vector_reduce(VectorReduceOp op, const Tensor& x, const Tensor& out,
                            const VectorReduceOptions& options = {});

struct ScaleByNormOptions {
  NormScale scale = NormScale::clip;
  double limit = 1.0;  // the largest norm of clip, the smallest divisor of normalize
  VectorReduceOp op = VectorReduceOp::square_sum;
  double power = 2.0;            // of power_sum
  const Tensor* norm = nullptr;  // one element, float32 or float64: receives the norm
};

/// x *= scale, see NormScale, by the norm that is the root of `reduced` (one element, float64),
/// where vector_reduce() has left it. The norm is rounded to the dtype of options.norm, or else of
/// x.
WICK_API void scale_by_norm(const Tensor& x, const Tensor& reduced,
                            const ScaleByNormOptions& options);

}  // namespace wick::ops
