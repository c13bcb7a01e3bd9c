// SPDX-License-Identifier: MIT
#include "wick/core/parameter.h"

namespace wick {

ParameterPtr make_parameter(Tensor value) {
  auto parameter = std::make_shared<Parameter>();
  parameter->grad = Tensor::empty(value.shape(), value.dtype(), value.device());
  parameter->value = value.contiguous();
  return parameter;
}

}  // namespace wick
