// SPDX-License-Identifier: MIT
// What operations on tensors check before they call the backend: each function throws an exception
// that names the operation and the tensors.
#pragma once

#include <initializer_list>

#include "core/overlap.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/error.h"
#include "wick/core/tensor.h"

namespace wick::ops::checks {

inline void require_same_device(const char* operation, const Tensor& a, const Tensor& b) {
  if (&a.backend() != &b.backend()) {
    throw DeviceError(concat(operation, ": ", a, " and ", b,
                             " are on different devices; move one with to(Device)"));
  }
}

inline void require_dtype(const char* operation, const Tensor& tensor, DType dtype) {
  if (tensor.dtype() != dtype) {
    throw DTypeError(
        concat(operation, ": expected ", dtype, ", got ", tensor, "; convert with to(DType)"));
  }
}

// Same device, same dtype as `first`.
inline void require_operand(const char* operation, const Tensor& first, const Tensor& other) {
  require_same_device(operation, first, other);
  require_dtype(operation, other, first.dtype());
}

inline void require_shape(const char* operation, const char* what, const Tensor& tensor,
                          const Dims& shape) {
  if (tensor.shape() != shape) {
    throw ShapeError(concat(operation, ": ", what, " must have shape ", shape, ", got ", tensor));
  }
}

inline void require_contiguous(const char* operation, const Tensor& tensor) {
  if (!tensor.is_contiguous()) {
    throw ShapeError(concat(operation, ": ", tensor, " with strides ", tensor.strides(),
                            " is not contiguous; use contiguous()"));
  }
}

// The view of a two-dimensional tensor.
inline MatrixRef matrix(const char* operation, const Tensor& tensor) {
  if (tensor.dim() != 2) {
    throw ShapeError(concat(operation, ": expected a matrix, got ", tensor));
  }
  const std::int64_t rows = tensor.shape()[0];
  const std::int64_t cols = tensor.shape()[1];
  if (cols > 1 && tensor.strides()[1] != 1) {
    throw ShapeError(concat(operation, ": the columns of ", tensor, " with strides ",
                            tensor.strides(), " are not contiguous; use contiguous()"));
  }
  // The stride of a single row says nothing.
  return {tensor.raw(), rows, cols, rows > 1 ? tensor.strides()[0] : cols};
}

inline void require_vector(const char* operation, const char* what, const Tensor& tensor,
                           std::int64_t size) {
  require_shape(operation, what, tensor, {size});
  require_contiguous(operation, tensor);
}

inline void require_one_apart(const char* operation, const Tensor& out, const Tensor& in) {
  require_no_overlap(operation, out, in);
}
inline void require_one_apart(const char* operation, const Tensor& out, const Tensor* in) {
  if (in != nullptr) require_no_overlap(operation, out, *in);
}

// For an output: its elements have places of their own, and none of them is an input's. Inputs that
// are pointers may be null.
template <typename... Inputs>
void require_apart(const char* operation, const Tensor& out, const Inputs&... inputs) {
  require_no_internal_overlap(operation, out);
  (require_one_apart(operation, out, inputs), ...);
}

// Call this after all checks and before the write: it raises the version (Storage::version()) of
// each output that is not null.
inline void will_write(std::initializer_list<const Tensor*> outputs) {
  for (const Tensor* const out : outputs) {
    if (out != nullptr) out->storage()->bump_version();
  }
}

}  // namespace wick::ops::checks
