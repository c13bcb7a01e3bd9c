// SPDX-License-Identifier: MIT
#include "wick/nn/module_copier.h"

namespace wick::nn {

ParameterPtr ModuleCopier::operator()(const ParameterPtr& parameter) {
  if (parameter == nullptr || depth_ == Depth::shared) return parameter;
  ParameterPtr& copy = parameters_[parameter.get()];
  if (copy == nullptr) {
    copy = make_parameter(parameter->value.clone());
    if (parameter->has_grad) copy->grad.copy_(parameter->grad);
    copy->has_grad = parameter->has_grad;
    copy->requires_grad = parameter->requires_grad;
  }
  return copy;
}

BufferPtr ModuleCopier::operator()(const BufferPtr& buffer) {
  if (buffer == nullptr || depth_ == Depth::shared) return buffer;
  BufferPtr& copy = buffers_[buffer.get()];
  if (copy == nullptr)
    copy = std::make_shared<Tensor>(buffer->defined() ? buffer->clone() : *buffer);
  return copy;
}

}  // namespace wick::nn
