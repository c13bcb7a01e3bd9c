// SPDX-License-Identifier: MIT
#include "nn/linear.h"

#include "core/error.h"
#include "core/ops.h"
#include "nn/init.h"

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

Tensor Linear::forward(const Tensor& input) {
  return run(input, false);
}

Tensor Linear::forward_relu(const Tensor& input) {
  return run(input, true);
}

Tensor Linear::run(const Tensor& input, bool relu) {
  const Tensor& weight = weight_->value;
  const std::int64_t features = in_features();
  if (input.dim() < 1 || input.size(-1) != features) {
    throw ShapeError(concat("Linear: expected input of shape (..., ", features, "), got ", input));
  }
  input_shape_ = input.shape();
  input_ =
      input.dim() == 2
          ? input
          : input.reshape(
                {element_count(std::span(input_shape_).first(input_shape_.size() - 1)), features});
  Dims shape = input_shape_;
  shape[shape.size() - 1] = out_features();
  const Tensor& output = output_.get(shape, weight.dtype(), weight.device());
  ops::matmul(input_, weight,
              input.dim() == 2 ? output : output.view({input_.size(0), out_features()}),
              {.transpose_b = true, .bias = bias_ ? &bias_->value : nullptr, .relu = relu});
  return output;
}

Tensor Linear::backward(const Tensor& grad_output, bool input_grad) {
  return differentiate(grad_output, input_grad ? InputGrad::plain : InputGrad::none);
}

Tensor Linear::backward_relu(const Tensor& grad_output) {
  return differentiate(grad_output, InputGrad::through_relu);
}

Tensor Linear::differentiate(const Tensor& grad_output, InputGrad wanted) {
  if (!input_.defined()) throw ValueError("Linear: backward() before any forward()");
  Dims shape = input_shape_;
  shape[shape.size() - 1] = out_features();
  if (grad_output.shape() != shape) {
    throw ShapeError(concat("Linear: the last forward() gave shape ", shape,
                            ", backward() got the gradient ", grad_output));
  }
  const Tensor grad =
      grad_output.dim() == 2 ? grad_output : grad_output.reshape({input_.size(0), shape.back()});
  // dW = dYᵀ X, db = column sums of dY, dX = dY W.
  ops::matmul(grad, input_, weight_->grad, {.transpose_a = true, .accumulate = weight_->has_grad});
  weight_->has_grad = true;
  if (bias_) {
    ops::column_sums(grad, bias_->grad, bias_->has_grad);
    bias_->has_grad = true;
  }
  if (wanted == InputGrad::none) return {};
  const Tensor& weight = weight_->value;
  const Tensor& grad_input = grad_input_.get(input_shape_, weight.dtype(), weight.device());
  ops::matmul(grad, weight, input_shape_.size() == 2 ? grad_input : grad_input.view(input_.shape()),
              {.relu_mask = wanted == InputGrad::through_relu ? &input_ : nullptr});
  return grad_input;
}

}  // namespace wick::nn
