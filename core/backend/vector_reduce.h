// SPDX-License-Identifier: MIT
// The family of reductions of a vector to one number, and of scaling a vector by a norm.
// The formulas are in kernels/formulas/vector_reduce.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "wick/core/dtype.h"

namespace wick {

/// What is made of the elements: a sum of terms, or the largest.
enum class VectorReduceOp : std::uint8_t {
  dot,         // the sum of a[i] * b[i]
  square_sum,  // of a[i]^2
  abs_sum,     // of |a[i]|
  abs_max,     // the largest |a[i]|; NaN counts as the largest
  power_sum    // the sum of |a[i]|^power
};

/// In the order of the enumerators.
inline constexpr const char* kVectorReduceNames[] = {"dot", "square_sum", "abs_sum", "abs_max",
                                                     "power_sum"};
inline constexpr std::size_t kVectorReduceOpCount = std::size(kVectorReduceNames);
/// "dot".
[[nodiscard]] constexpr const char* name_of(VectorReduceOp op) {
  return kVectorReduceNames[static_cast<std::size_t>(op)];
}

/// *out = the reduction of `count` elements, in float64; of none, 0. With `accumulate`, together
/// with what is in *out. The order of the sum depends on the count and, on a GPU, on its model.
struct VectorReduceArgs {
  VectorReduceOp op = VectorReduceOp::square_sum;
  DType dtype = DType::float32;
  std::int64_t count = 0;
  const void* a = nullptr;  // (count)
  const void* b = nullptr;  // (count), of dot; may be a
  double power = 2.0;       // of power_sum, above 0
  double* out = nullptr;    // memory of the device
  bool accumulate = false;
};

/// What a vector is multiplied by.
enum class NormScale : std::uint8_t {
  clip,      // min(1, limit / (norm + 1e-6)): torch.nn.utils.clip_grads_with_norm_
  normalize  // 1 / max(norm, limit)
};

/// data *= scale, in place, where the norm is made from what vector_reduce() has left: the root of
/// the sum. Norm and scale have norm_dtype, as PyTorch's.
struct ScaleByNormArgs {
  NormScale scale = NormScale::clip;
  DType dtype = DType::float32;
  std::int64_t count = 0;
  void* data = nullptr;  // (count)
  VectorReduceOp op = VectorReduceOp::square_sum;
  double power = 2.0;
  const double* reduced = nullptr;  // memory of the device
  double limit = 1.0;
  DType norm_dtype = DType::float32;  // float32 or float64
  void* norm = nullptr;               // one element that receives the norm, or none
};

}  // namespace wick
