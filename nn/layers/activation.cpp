// SPDX-License-Identifier: MIT
#include "wick/nn/layers/activation.h"

#include "wick/core/error.h"
#include "wick/core/ops.h"

namespace wick::nn {
namespace {

UnaryOp gelu_of(std::string_view approximate) {
  if (approximate == "none") return UnaryOp::gelu;
  if (approximate == "tanh") return UnaryOp::gelu_tanh;
  throw ValueError(
      concat("GELU: approximate must be \"none\" or \"tanh\", got \"", approximate, '"'));
}

}  // namespace

CELU::CELU(double alpha) : ActivationOf("CELU", UnaryOp::celu, {alpha}) {
  if (alpha == 0.0) throw ValueError("CELU: alpha must not be 0");
}

GELU::GELU(std::string_view approximate) : ActivationOf("GELU", gelu_of(approximate)) {}

Hardtanh::Hardtanh(double min_val, double max_val)
    : ActivationOf("Hardtanh", UnaryOp::hardtanh, {min_val, max_val}) {
  if (!(min_val < max_val)) {
    throw ValueError(concat("Hardtanh: min_val ", min_val, " must be less than max_val ", max_val));
  }
}

Tensor Activation::forward(const Tensor& input) {
  require_input(input);
  require_contiguous(input);
  const Tensor& output = output_.apart_from(input);
  ops::unary(op_, input, output, parameters_);
  begin_forward();
  saved_ = info_of(op_).saved == SavedValue::input ? input : output;
  end_forward();
  return output;
}

void Activation::set_output(const Tensor& output) {
  if (info_of(op_).saved != SavedValue::output) {
    throw ValueError(concat(type_name_,
                            ": set_output() is not enough, since the gradient needs "
                            "the input; use forward()"));
  }
  begin_forward();
  saved_ = output;
  end_forward();
}

void Activation::require_saved_intact(bool input_grad) const {
  if (!input_grad) return;
  require_intact(saved_, info_of(op_).saved == SavedValue::input ? "input" : "output");
}

Tensor Activation::backward(const Tensor& grad_output, bool input_grad) {
  require_gradient(grad_output, saved_->shape(), input_grad, &*saved_);
  if (!input_grad) {
    begin_backward();
    return {};
  }
  const Tensor& grad_input = grad_input_.apart_from(grad_output);
  ops::unary_backward(op_, grad_output, *saved_, grad_input, parameters_);
  begin_backward();
  return grad_input;
}

}  // namespace wick::nn
