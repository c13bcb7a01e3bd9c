// SPDX-License-Identifier: MIT
// Tensors put together to one; see core/ops.h for what holds of all operations. They may have any
// layout and any dtype, which is one for all (DTypeError; PyTorch would promote them).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>

#include "wick/core/compiler.h"
#include "wick/core/tensor.h"

namespace wick::ops {

/// torch.cat: one behind the other along a dimension, in the others of which they agree. A tensor
/// of shape (0) is left out, as PyTorch does. ValueError for no tensors.
[[nodiscard]] WICK_API Tensor cat(std::span<const Tensor> tensors, std::int64_t dim = 0);
WICK_API void cat(std::span<const Tensor> tensors, std::int64_t dim, const Tensor& out);

/// torch.stack: tensors of one shape, along a new dimension.
[[nodiscard]] WICK_API Tensor stack(std::span<const Tensor> tensors, std::int64_t dim = 0);
WICK_API void stack(std::span<const Tensor> tensors, std::int64_t dim, const Tensor& out);

[[nodiscard]] inline Tensor cat(std::initializer_list<Tensor> tensors, std::int64_t dim = 0) {
  return cat(std::span(tensors.begin(), tensors.size()), dim);
}
[[nodiscard]] inline Tensor stack(std::initializer_list<Tensor> tensors, std::int64_t dim = 0) {
  return stack(std::span(tensors.begin(), tensors.size()), dim);
}

}  // namespace wick::ops
