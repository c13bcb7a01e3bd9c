// SPDX-License-Identifier: MIT
#include "wick/nn/layers/linear.h"

#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/nn/init.h"

namespace wick::nn {

Linear::Linear(std::int64_t in_features, std::int64_t out_features, Generator& generator,
               const LinearOptions& options) {
  if (in_features < 0 || out_features < 0) {
    throw ValueError(concat("Linear: sizes must not be negative, got in_features ", in_features,
                            " and out_features ", out_features));
  }
  const Tensor weight = Tensor::empty({out_features, in_features}, options.dtype, options.device);
  const Tensor bias =
      options.bias ? Tensor::empty({out_features}, options.dtype, options.device) : Tensor();
  init::linear_(weight, options.bias ? &bias : nullptr, generator);
  weight_ = register_parameter("weight", weight);
  if (options.bias) bias_ = register_parameter("bias", bias);
}

Linear::Linear(const Linear& other, ModuleCopier& copier)
    : Module(other, copier), weight_(copier(other.weight_)), bias_(copier(other.bias_)) {}

namespace {

// The tensor itself where it is bfloat16 already.
const Tensor& rounded(const Tensor& tensor, Scratch& buffer) {
  if (tensor.dtype() == DType::bfloat16) return tensor;
  const Tensor& cast = buffer.get(tensor.shape(), DType::bfloat16, tensor.device());
  cast.copy_(tensor);
  return cast;
}

}  // namespace

Tensor Linear::forward(const Tensor& input) {
  return forward_fused(input, {});
}

std::string Linear::description() const {
  return concat("Linear(", in_features(), ", ", out_features(), ")");
}

std::string Linear::extra_repr() const {
  return concat("in_features=", in_features(), ", out_features=", out_features(),
                ", bias=", python_bool(bias_ != nullptr));
}

void Linear::check_input(const Tensor& input) const {
  // Under autocast, what comes from another layer is bfloat16.
  const bool rounded_before = input.defined() && input.dtype() == DType::bfloat16 && is_autocast();
  if (!rounded_before) require_input(input, weight_->value);
  const std::int64_t features = in_features();
  if (input.dim() < 1) {
    throw ShapeError(
        concat(description(), ": input has no dimensions, expected shape (..., ", features, ")"));
  }
  if (input.size(-1) != features) {
    throw ShapeError(concat(description(), ": input has ", input.size(-1), " features, expected ",
                            features, ", the last size of its shape ", input.shape()));
  }
  const bool copies = is_autocast() && !rounded_before;
  if (!copies && input.dim() == 2 && features > 1 && input.strides()[1] != 1) {
    throw ShapeError(concat(description(), ": the columns of the input ", input, " with strides ",
                            input.strides(), " are not contiguous; use x.contiguous()"));
  }
}

Tensor Linear::forward_fused(const Tensor& input, const Epilogue& more) {
  check_input(input);
  const Tensor& weight = weight_->value;
  const std::int64_t features = in_features();
  begin_forward();
  input_shape_ = input.shape();
  input_ =
      input.dim() == 2
          ? input
          : input.reshape(
                {element_count(std::span(input_shape_).first(input_shape_.size() - 1)), features});
  const Tensor& rows = *input_;
  Dims shape = input_shape_;
  shape[shape.size() - 1] = out_features();
  DType output_dtype = weight.dtype();
  const Tensor* bias = bias_ ? &bias_->value : nullptr;
  was_autocast_ = is_autocast();
  if (was_autocast_) {
    input_operand_ = rounded(rows, input_cast_);
    weight_operand_ = rounded(weight, weight_cast_);
    if (more.for_autocast) {
      output_dtype = DType::bfloat16;
      if (bias != nullptr) bias = &rounded(*bias, bias_cast_);
    }
  }
  const Tensor& output = output_.get(shape, output_dtype, weight.device());
  const Tensor matrix = input.dim() == 2 ? output : output.view({rows.size(0), out_features()});
  const bool leaves_bits = more.relu && is_training();
  if (leaves_bits) {
    relu_bits_.prepare(matrix);
  } else {
    relu_bits_.valid = false;  // those of an earlier forward() are no longer of the last one
  }
  ops::matmul(was_autocast_ ? *input_operand_ : rows, was_autocast_ ? weight_operand_ : weight,
              matrix,
              {.transpose_b = true,
               .bias = bias,
               .relu = more.relu,
               .relu_bits = leaves_bits ? &relu_bits_ : nullptr});
  end_forward();
  return output;
}

void Linear::release_saved() noexcept {
  input_ = Tensor();
  input_operand_ = Tensor();
  weight_operand_ = Tensor();
  relu_bits_.valid = false;
}

// The gradient by the input needs the weight alone; where there is a ReLU in front, it is that
// one's check that finds its output overwritten.
void Linear::require_saved_intact(bool /*input_grad*/) const {
  if (weight_->requires_grad) require_intact(was_autocast_ ? input_operand_ : input_, "input");
}

Tensor Linear::backward(const Tensor& grad_output, bool input_grad) {
  return differentiate(grad_output, input_grad ? InputGrad::plain : InputGrad::none, nullptr);
}

Tensor Linear::backward_relu(const Tensor& grad_output, ops::ReluBits* bits) {
  return differentiate(grad_output, InputGrad::through_relu, bits);
}

// dW = dYᵀ X, db = column sums of dY.
void Linear::differentiate_parameters(const Tensor& grad) {
  const bool wants_bias = bias_ && bias_->requires_grad;
  if (weight_->requires_grad) {
    ops::matmul(grad, *(was_autocast_ ? input_operand_ : input_), weight_->grad,
                {.transpose_a = true,
                 .accumulate = weight_->has_grad,
                 .a_sums = wants_bias ? &bias_->grad : nullptr,
                 .accumulate_sums = wants_bias && bias_->has_grad});
    weight_->mark_grad_ready();
  } else if (wants_bias) {
    const Tensor* wide = &grad;
    if (grad.dtype() != bias_->grad.dtype()) {
      wide = &grad_wide_.get(grad.shape(), bias_->grad.dtype(), grad.device());
      wide->copy_(grad);
    }
    ops::column_sums(*wide, bias_->grad, bias_->has_grad);
  }
  if (wants_bias) bias_->mark_grad_ready();
}

Tensor Linear::differentiate(const Tensor& grad_output, InputGrad wanted, ops::ReluBits* bits) {
  Dims shape = input_shape_;
  if (!shape.empty()) shape[shape.size() - 1] = out_features();  // empty before any forward()
  // Under autocast, that of an output in bfloat16 may be either.
  require_gradient(grad_output, shape, wanted != InputGrad::none,
                   was_autocast_ ? nullptr : &weight_->value);
  begin_backward();
  Tensor grad =
      grad_output.dim() == 2 ? grad_output : grad_output.reshape({input_->size(0), shape.back()});
  if (was_autocast_) grad = rounded(grad, grad_cast_);
  differentiate_parameters(grad);
  if (wanted == InputGrad::none) return {};
  // dX = dY W.
  const Tensor& grad_input = grad_input_.get(input_shape_, input_->dtype(), input_->device());
  const bool through_relu = wanted == InputGrad::through_relu;
  ops::matmul(
      grad, was_autocast_ ? weight_operand_ : weight_->value,
      input_shape_.size() == 2 ? grad_input : grad_input.view(input_->shape()),
      {.relu_mask = through_relu ? &*input_ : nullptr, .relu_bits = through_relu ? bits : nullptr});
  return grad_input;
}

std::unique_ptr<Module> Linear::copy(ModuleCopier& copier) const {
  return std::make_unique<Linear>(*this, copier);
}

}  // namespace wick::nn
