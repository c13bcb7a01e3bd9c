// SPDX-License-Identifier: MIT
#include "core/broadcast.h"

#include <algorithm>

#include "wick/core/error.h"

namespace wick {

Dims broadcast_shapes(const char* operation, const Dims& a, const Dims& b) {
  const Dims& longer = a.size() >= b.size() ? a : b;
  const Dims& shorter = a.size() >= b.size() ? b : a;
  const std::size_t missing = longer.size() - shorter.size();
  Dims result = longer;
  for (std::size_t d = 0; d < shorter.size(); ++d) {
    std::int64_t& size = result[missing + d];
    if (size == shorter[d] || shorter[d] == 1) continue;
    if (size != 1) {
      throw ShapeError(concat(operation, ": shapes ", a, " and ", b, " do not fit together: sizes ",
                              size, " and ", shorter[d], " of dimension ", missing + d,
                              " differ, and neither is 1"));
    }
    size = shorter[d];
  }
  return result;
}

Dims broadcast_strides(const char* operation, const Tensor& tensor, const Dims& shape) {
  const Dims& own = tensor.shape();
  if (own == shape) return tensor.strides();
  Dims strides(shape.size(), 0);
  const std::size_t missing = shape.size() - std::min(own.size(), shape.size());
  bool fits = own.size() <= shape.size();
  for (std::size_t d = 0; fits && d < own.size(); ++d) {
    fits = own[d] == shape[missing + d] || own[d] == 1;
    if (own[d] == shape[missing + d]) strides[missing + d] = tensor.strides()[d];
  }
  if (!fits) {
    throw ShapeError(
        concat(operation, ": the elements of ", tensor, " cannot be repeated to shape ", shape));
  }
  return strides;
}

Tensor expand(const Tensor& tensor, const Dims& shape) {
  return tensor.as_strided(shape, broadcast_strides("expand", tensor, shape), tensor.offset());
}

}  // namespace wick
