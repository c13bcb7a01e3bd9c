// SPDX-License-Identifier: MIT
// Reductions along dimensions, as PyTorch's of the same names; see core/ops.h for what holds of all
// operations.
//
// Tensors may have any layout. A tensor that cannot be seen as (outer, reduced, inner) with one
// stride each is copied first. They are float32, float64, int64 or bool (else DTypeError).
// Dimensions may count from the end; one outside the tensor's throws IndexError, one named twice
// ValueError. With `keepdim` the reduced dimensions stay, of size 1. An `out` must have the shape
// and dtype of the result, in any layout, and share no memory with x (ValueError).
//
// The results are the same bits for any number of threads.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <utility>

#include "wick/core/compiler.h"
#include "wick/core/tensor.h"

namespace wick::ops {

/// The dimensions along which something is reduced: one, several, or, where the list is empty, all.
class ReduceDims {
 public:
  ReduceDims() = default;
  template <std::integral T>
  requires(!std::same_as<T, bool>)  // a keepdim in the place of a dimension
      ReduceDims(T dim)
      : dims_{static_cast<std::int64_t>(dim)} {}
  ReduceDims(std::initializer_list<std::int64_t> dims) : dims_(dims) {}
  ReduceDims(Dims dims) : dims_(std::move(dims)) {}
  [[nodiscard]] const Dims& dims() const noexcept { return dims_; }

 private:
  Dims dims_;
};

/// The sum; of int64 and bool in int64, of nothing 0. float32 is added up in float64 and float64 by
/// pairs of parts, and rounded once.
[[nodiscard]] WICK_API Tensor sum(const Tensor& x, const ReduceDims& dims = {},
                                  bool keepdim = false);
WICK_API void sum(const Tensor& x, const ReduceDims& dims, const Tensor& out, bool keepdim = false);

/// The sum divided by the number of elements; NaN for no elements. float32 and float64 only.
[[nodiscard]] WICK_API Tensor mean(const Tensor& x, const ReduceDims& dims = {},
                                   bool keepdim = false);
WICK_API void mean(const Tensor& x, const ReduceDims& dims, const Tensor& out,
                   bool keepdim = false);

// The smallest and the largest elements; NaN where there is one. Of nothing they throw ShapeError.

[[nodiscard]] WICK_API Tensor amin(const Tensor& x, const ReduceDims& dims = {},
                                   bool keepdim = false);
[[nodiscard]] WICK_API Tensor amax(const Tensor& x, const ReduceDims& dims = {},
                                   bool keepdim = false);
WICK_API void amin(const Tensor& x, const ReduceDims& dims, const Tensor& out,
                   bool keepdim = false);
WICK_API void amax(const Tensor& x, const ReduceDims& dims, const Tensor& out,
                   bool keepdim = false);
/// Of all elements.
[[nodiscard]] inline Tensor min(const Tensor& x) {
  return amin(x);
}
[[nodiscard]] inline Tensor max(const Tensor& x) {
  return amax(x);
}

/// torch.return_types.max: values, and where along the dimension they stand (int64); of equals the
/// first, and the first NaN before all.
struct Extremes {
  Tensor values;
  Tensor indices;
};
[[nodiscard]] WICK_API Extremes min(const Tensor& x, std::int64_t dim, bool keepdim = false);
[[nodiscard]] WICK_API Extremes max(const Tensor& x, std::int64_t dim, bool keepdim = false);
/// Into tensors of the caller's.
WICK_API void min(const Tensor& x, std::int64_t dim, const Extremes& out, bool keepdim = false);
WICK_API void max(const Tensor& x, std::int64_t dim, const Extremes& out, bool keepdim = false);

/// The position of the smallest or the largest element along a dimension, or, without one, in
/// row-major order; int64. Not of bool.
[[nodiscard]] WICK_API Tensor argmin(const Tensor& x);
[[nodiscard]] WICK_API Tensor argmax(const Tensor& x);
[[nodiscard]] WICK_API Tensor argmin(const Tensor& x, std::int64_t dim, bool keepdim = false);
[[nodiscard]] WICK_API Tensor argmax(const Tensor& x, std::int64_t dim, bool keepdim = false);
WICK_API void argmin(const Tensor& x, std::int64_t dim, const Tensor& out, bool keepdim = false);
WICK_API void argmax(const Tensor& x, std::int64_t dim, const Tensor& out, bool keepdim = false);

}  // namespace wick::ops
