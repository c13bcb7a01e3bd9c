// SPDX-License-Identifier: MIT
// Broadcasting: shapes are aligned at their last dimensions, and a dimension of size 1, or one that
// is missing, is repeated (https://pytorch.org/docs/stable/notes/broadcasting.html).
#pragma once

#include "wick/core/dims.h"
#include "wick/core/tensor.h"

namespace wick {

/// The shape that both become. Throws ShapeError that names `operation`.
[[nodiscard]] Dims broadcast_shapes(const char* operation, const Dims& a, const Dims& b);

/// The strides by which the elements of `tensor` fill `shape`: 0 where one is repeated. Throws
/// ShapeError where they do not.
[[nodiscard]] Dims broadcast_strides(const char* operation, const Tensor& tensor,
                                     const Dims& shape);

/// torch.Tensor.expand: a view of `shape` in which dimensions are repeated as above; the elements
/// are not copied.
[[nodiscard]] Tensor expand(const Tensor& tensor, const Dims& shape);

}  // namespace wick
