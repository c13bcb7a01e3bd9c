// SPDX-License-Identifier: MIT
#include "nn/relu.h"

#include "core/error.h"
#include "core/ops.h"

namespace wick::nn {

Tensor ReLU::forward(const Tensor& input) {
  begin_forward();
  output_ = buffer_.get(input.shape(), input.dtype(), input.device());
  ops::relu(input, output_);
  end_forward();
  return output_;
}

void ReLU::set_output(const Tensor& output) {
  begin_forward();
  output_ = output;
  end_forward();
}

Tensor ReLU::backward(const Tensor& grad_output, bool input_grad) {
  require_ready_for_backward();
  if (grad_output.shape() != output_.shape()) {
    throw ShapeError(concat("ReLU: the last forward() gave shape ", output_.shape(),
                            ", backward() got the gradient ", grad_output));
  }
  begin_backward();
  if (!input_grad) return {};
  const Tensor& grad_input = grad_input_.get(output_.shape(), output_.dtype(), output_.device());
  ops::relu_backward(grad_output, output_, grad_input);
  return grad_input;
}

}  // namespace wick::nn
