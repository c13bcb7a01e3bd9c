// SPDX-License-Identifier: MIT
#include "core/parameter.h"

#include "core/error.h"

namespace wick {

ParameterPtr make_parameter(Tensor value) {
  auto parameter = std::make_shared<Parameter>();
  parameter->grad = Tensor::empty(value.shape(), value.dtype(), value.device());
  parameter->value = value.contiguous();
  return parameter;
}

void flatten(std::span<const ParameterPtr> parameters) {
  if (parameters.empty()) return;
  const Tensor& first = parameters.front()->value;
  constexpr std::size_t kAlignment = 64;
  const auto unit = static_cast<std::int64_t>(kAlignment / size_of(first.dtype()));
  const auto padded = [unit](std::int64_t count) { return (count + unit - 1) / unit * unit; };
  std::int64_t total = 0;
  for (const ParameterPtr& parameter : parameters) {
    const Tensor& value = parameter->value;
    if (value.dtype() != first.dtype() || value.device() != first.device()) {
      throw ValueError(concat("flatten: parameters must share one dtype and device, got ", first,
                              " and ", value));
    }
    total += padded(value.numel());
  }
  // Zeros between parameters stay zeros under every update rule.
  const Tensor values = Tensor::zeros({total}, first.dtype(), first.device());
  const Tensor grads = Tensor::zeros({total}, first.dtype(), first.device());
  std::int64_t offset = 0;
  for (const ParameterPtr& parameter : parameters) {
    const Dims shape = parameter->value.shape();
    const Dims strides = contiguous_strides(shape);
    const Tensor value = values.as_strided(shape, strides, offset);
    value.copy_(parameter->value);
    const Tensor grad = grads.as_strided(shape, strides, offset);
    if (parameter->has_grad) grad.copy_(parameter->grad);
    parameter->value = value;
    parameter->grad = grad;
    offset += padded(value.numel());
  }
}

}  // namespace wick
