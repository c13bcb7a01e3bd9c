// SPDX-License-Identifier: MIT
#include "nn/relu.h"

#include "core/error.h"
#include "core/ops.h"

namespace wick::nn {

Tensor ReLU::forward(const Tensor& input) {
  output_ = buffer_.get(input.shape(), input.dtype(), input.device());
  ops::relu(input, output_);
  return output_;
}

Tensor ReLU::backward(const Tensor& grad_output, bool input_grad) {
  if (!output_.defined()) throw ValueError("ReLU: backward() before any forward()");
  if (!input_grad) return {};
  const Tensor& grad_input = grad_input_.get(output_.shape(), output_.dtype(), output_.device());
  ops::relu_backward(grad_output, output_, grad_input);
  return grad_input;
}

}  // namespace wick::nn
