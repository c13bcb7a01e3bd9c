// SPDX-License-Identifier: MIT
#include "wick/nn/norm_step.h"

#include <algorithm>

#include "wick/core/error.h"

namespace wick::nn {

NormShape NormStep::shape_of(std::string_view who, const Dims& input) const {
  NormShape shape;
  shape.groups = groups;
  if (!normalized_shape.empty()) {
    const std::size_t rank = normalized_shape.size();
    const std::size_t outer = input.size() < rank ? 0 : input.size() - rank;
    const auto inner = std::span(input).subspan(outer);
    if (!std::ranges::equal(inner, std::span(normalized_shape))) {
      throw ShapeError(concat(who, ": input has shape ", input, ", expected ", normalized_shape,
                              " as its last sizes"));
    }
    shape.samples = element_count(std::span(input).first(outer));
    shape.channels = element_count(normalized_shape);
    return shape;
  }
  if (input.size() < 2 || input[1] != channels) {
    throw ShapeError(
        concat(who, ": input has shape ", input, ", expected (N, ", channels, ", ...)"));
  }
  shape.samples = input[0];
  shape.channels = channels;
  shape.inner = element_count(std::span(input).subspan(2));
  return shape;
}

}  // namespace wick::nn
