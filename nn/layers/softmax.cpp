// SPDX-License-Identifier: MIT
#include "wick/nn/layers/softmax.h"

#include "wick/core/error.h"
#include "wick/core/ops.h"

namespace wick::nn {

Tensor SoftmaxLayer::forward(const Tensor& input) {
  require_input(input);
  require_contiguous(input);
  // As in PyTorch, a tensor without dimensions has one.
  static_cast<void>(wrap_dim(dim_, std::max<std::size_t>(input.shape().size(), 1), description()));
  const Tensor& output = output_.apart_from(input);
  ops::softmax(input, dim_, log_, output);
  begin_forward();
  saved_ = output;
  end_forward();
  return output;
}

Tensor SoftmaxLayer::backward(const Tensor& grad_output, bool input_grad) {
  require_gradient(grad_output, saved_->shape(), input_grad, &*saved_);
  if (!input_grad) {
    begin_backward();
    return {};
  }
  const Tensor& grad_input = grad_input_.apart_from(grad_output);
  ops::softmax_backward(grad_output, *saved_, dim_, log_, grad_input);
  begin_backward();
  return grad_input;
}

std::unique_ptr<Module> Softmax::copy(ModuleCopier& copier) const {
  return std::make_unique<Softmax>(*this, copier);
}

std::unique_ptr<Module> LogSoftmax::copy(ModuleCopier& copier) const {
  return std::make_unique<LogSoftmax>(*this, copier);
}

}  // namespace wick::nn
