// SPDX-License-Identifier: MIT
#include "wick/nn/layers/prelu.h"

#include "wick/core/error.h"
#include "wick/core/ops.h"

namespace wick::nn {

PReLU::PReLU(std::int64_t num_parameters, double init, const PReLUOptions& options) {
  if (num_parameters < 1) {
    throw ValueError(concat("PReLU: num_parameters ", num_parameters, " is less than 1"));
  }
  weight_ = register_parameter("weight",
                               Tensor::full({num_parameters}, init, options.dtype, options.device));
}

PReLU::PReLU(const PReLU& other, ModuleCopier& copier)
    : Module(other, copier), weight_(copier(other.weight_)) {}

std::string PReLU::extra_repr() const {
  return concat("num_parameters=", num_parameters());
}

Tensor PReLU::forward(const Tensor& input) {
  require_input(input, weight_->value);
  require_contiguous(input);
  const std::int64_t channels = num_parameters();
  if (channels > 1 && (input.dim() < 2 || input.size(1) != channels)) {
    throw ShapeError(concat("PReLU: input has shape ", input.shape(), ", expected (N, ", channels,
                            ", ...) for the ", channels, " parameters"));
  }
  const Tensor& output = output_.apart_from(input);
  ops::prelu(input, weight_->value, output);
  begin_forward();
  input_ = input;
  end_forward();
  return output;
}

Tensor PReLU::backward(const Tensor& grad_output, bool input_grad) {
  require_gradient(grad_output, input_->shape(), input_grad, &*input_);
  const bool weight_grad = weight_->requires_grad;
  const Tensor* const grad_input = input_grad ? &grad_input_.apart_from(grad_output) : nullptr;
  if (input_grad || weight_grad) {
    ops::prelu_backward(grad_output, *input_, weight_->value, grad_input,
                        weight_grad ? &weight_->grad : nullptr, weight_->has_grad);
  }
  if (weight_grad) weight_->mark_grad_ready();
  begin_backward();
  return input_grad ? *grad_input : Tensor();
}

std::unique_ptr<Module> PReLU::copy(ModuleCopier& copier) const {
  return std::make_unique<PReLU>(*this, copier);
}

}  // namespace wick::nn
