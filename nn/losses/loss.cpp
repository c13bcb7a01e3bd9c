// SPDX-License-Identifier: MIT
#include "nn/losses/loss.h"

#include "core/error.h"
#include "core/ops.h"

namespace wick::nn {

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
  if (grad_output.shape() != losses_.shape()) {
    throw ShapeError(concat(type_name(), ": the last forward() gave losses of shape ",
                            losses_.shape(), ", backward() got the gradient ", grad_output));
  }
  const Tensor& out = chained_.like(last_grad_);
  chain(grad_output, last_grad_, out);
  return out;
}

void Loss::chain(const Tensor& grad_output, const Tensor& grad, const Tensor& out) {
  ops::multiply(grad_output, grad, out);
}

}  // namespace wick::nn
