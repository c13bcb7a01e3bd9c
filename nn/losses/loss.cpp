// SPDX-License-Identifier: MIT
#include "wick/nn/losses/loss.h"

#include "wick/core/error.h"
#include "wick/core/ops.h"

namespace wick::nn {

void Loss::require_defined(std::string_view what, const Tensor& tensor) const {
  if (tensor.defined()) return;
  throw ValueError(concat(type_name(), ": ", what, " is an undefined tensor; give it elements, as ",
                          "Tensor::from() and zeros() do"));
}

void Loss::require_input(const Tensor& input) const {
  require_defined("input", input);
  if (input.dtype() == DType::float32 || input.dtype() == DType::float64) return;
  throw DTypeError(concat(type_name(), ": input is ", input.dtype(),
                          ", expected float32 or float64; use x.to(DType::float32)"));
}

void Loss::require_same_device(std::string_view what, const Tensor& tensor,
                               const Tensor& input) const {
  if (&tensor.backend() == &input.backend()) return;
  throw DeviceError(concat(type_name(), ": ", what, " is on ", tensor.device(), ", input is on ",
                           input.device(), "; move one of them with to(Device)"));
}

void Loss::require_like(std::string_view what, const Tensor& tensor, const Tensor& input) const {
  require_defined(what, tensor);
  if (tensor.dtype() != input.dtype()) {
    throw DTypeError(concat(type_name(), ": ", what, " is ", tensor.dtype(), ", input is ",
                            input.dtype(), "; use ", what, ".to(DType::", input.dtype(), ")"));
  }
  require_same_device(what, tensor, input);
}

void Loss::require_like(std::string_view what, const Tensor& tensor, const Tensor& input,
                        const Dims& shape) const {
  require_like(what, tensor, input);
  if (tensor.shape() == shape) return;
  throw ShapeError(concat(type_name(), ": ", what, " has shape ", tensor.shape(), ", expected ",
                          shape, " for the input ", input));
}

void Loss::require_contiguous(std::string_view what, const Tensor& tensor) const {
  if (tensor.is_contiguous()) return;
  throw ShapeError(concat(type_name(), ": ", what, " ", tensor, " with strides ", tensor.strides(),
                          " is not contiguous; use contiguous()"));
}

Tensor Loss::backward() const {
  if (!last_grad_.defined()) {
    throw ValueError(concat(type_name(), ": backward() before any forward()"));
  }
  if (losses_.defined()) {
    throw ValueError(concat(type_name(),
                            ": with Reduction::none, there is no single loss; give "
                            "backward() the gradient by the losses, of shape ",
                            losses_.shape()));
  }
  return last_grad_;
}

Tensor Loss::backward(const Tensor& grad_output) {
  if (!last_grad_.defined()) {
    throw ValueError(concat(type_name(), ": backward() before any forward()"));
  }
  if (!losses_.defined()) {
    throw ValueError(concat(type_name(),
                            ": a gradient by the losses is for Reduction::none; use "
                            "backward()"));
  }
  if (!grad_output.defined() || grad_output.shape() != losses_.shape()) {
    throw ShapeError(concat(type_name(), ": the last forward() gave losses of shape ",
                            losses_.shape(), ", backward() got the gradient ", grad_output));
  }
  require_like("grad_output", grad_output, last_grad_);
  const Tensor& out = chained_.like(last_grad_);
  chain(grad_output, last_grad_, out);
  return out;
}

void Loss::chain(const Tensor& grad_output, const Tensor& grad, const Tensor& out) {
  ops::multiply(grad_output, grad, out);
}

}  // namespace wick::nn
