// SPDX-License-Identifier: MIT
#include "wick/nn/layers/norm.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "wick/core/error.h"
#include "wick/core/ops_norm.h"

namespace wick::nn {
namespace {

NormStep over_last(const char* who, NormOp op, const Dims& normalized_shape, double eps) {
  const bool negative = std::ranges::any_of(normalized_shape, [](auto size) { return size < 0; });
  if (normalized_shape.empty() || negative) {
    throw ValueError(concat(who, ": normalized_shape must have sizes that are not negative, got ",
                            normalized_shape));
  }
  NormStep step;
  step.op = op;
  step.normalized_shape = normalized_shape;
  step.eps = eps;
  return step;
}

double eps_of(const RMSNormOptions& options) {
  if (options.eps) return *options.eps;
  return options.dtype == DType::float64 ? std::numeric_limits<double>::epsilon()
                                         : std::numeric_limits<float>::epsilon();
}

NormStep over_groups(std::int64_t groups, std::int64_t channels, double eps) {
  if (groups < 1 || channels < 0 || channels % groups != 0) {
    throw ValueError(concat("GroupNorm: num_channels must be a multiple of num_groups, got ",
                            channels, " channels and ", groups, " groups"));
  }
  NormStep step;
  step.channels = channels;
  step.groups = groups;
  step.eps = eps;
  return step;
}

}  // namespace

Normalization::Normalization(const Normalization& other, ModuleCopier& copier)
    : Module(other, copier),
      type_name_(other.type_name_),
      step_(other.step_),
      weight_(copier(other.weight_)),
      bias_(copier(other.bias_)) {
  step_.running_mean = copier(other.step_.running_mean);
  step_.running_var = copier(other.step_.running_var);
}

void Normalization::add_parameters(const Dims& shape, bool weight, bool bias, DType dtype,
                                   Device device) {
  if (weight) weight_ = register_parameter("weight", Tensor::full(shape, 1.0, dtype, device));
  if (bias) bias_ = register_parameter("bias", Tensor::full(shape, 0.0, dtype, device));
}

Tensor Normalization::forward(const Tensor& input) {
  if (weight_) {
    require_input(input, weight_->value);
  } else if (step_.running_mean != nullptr) {
    require_input(input, *step_.running_mean);
  } else {
    require_input(input);
  }
  const NormShape shape = step_.shape_of(type_name_, input.shape());
  check_input(input, shape);
  const Tensor whole = input.contiguous();
  const Tensor& output = output_.apart_from(whole);
  begin_forward();
  const Running running = this->running();
  // Running statistics are those of a channel over all samples.
  op_ = running.use ? NormOp::batch_norm : step_.op;
  shape_ = shape;
  if (running.use) shape_.groups = 1;
  used_running_ = running.use;
  ops::NormOptions options;
  options.weight = weight_ ? &weight_->value : nullptr;
  options.bias = bias_ ? &bias_->value : nullptr;
  options.eps = step_.eps;
  if (running.use || running.update) {
    options.running_mean = step_.running_mean.get();
    options.running_var = step_.running_var.get();
    options.momentum = running.momentum;
    options.batches = running.batches;
    options.use_running = running.use;
  }
  if (!running.use) {
    const Dims statistics{shape_.statistics(op_)};
    if (op_ != NormOp::rms_norm) {
      options.mean = &mean_.get(statistics, input.dtype(), input.device());
    }
    options.rstd = &rstd_.get(statistics, input.dtype(), input.device());
  }
  ops::norm(op_, shape_, whole, output, options);
  if (running.update) count_batch();
  input_ = whole;
  end_forward();
  return output;
}

Tensor Normalization::backward(const Tensor& grad_output, bool input_grad) {
  require_gradient(grad_output, input_->shape(), input_grad, &*input_);
  const Tensor whole = grad_output.contiguous();
  const Tensor* const grad_input = input_grad ? &grad_input_.apart_from(whole) : nullptr;
  differentiate(whole, grad_input);
  begin_backward();
  return input_grad ? *grad_input : Tensor();
}

void Normalization::differentiate(const Tensor& grad_output, const Tensor* grad_input) {
  ops::NormBackwardOptions options;
  options.weight = weight_ ? &weight_->value : nullptr;
  options.eps = step_.eps;
  const Dims statistics{shape_.statistics(op_)};
  if (used_running_) {
    options.mean = step_.running_mean.get();
    options.running_var = step_.running_var.get();
    options.use_running = true;
  } else {
    if (op_ != NormOp::rms_norm) {
      options.mean = &mean_.get(statistics, input_->dtype(), input_->device());
    }
    options.rstd = &rstd_.get(statistics, input_->dtype(), input_->device());
  }
  options.grad_input = grad_input;
  const auto wanted = [](const ParameterPtr& parameter) {
    return parameter != nullptr && parameter->requires_grad;
  };
  if (wanted(weight_)) {
    options.grad_weight = &weight_->grad;
    options.accumulate_weight = weight_->has_grad;
  }
  if (wanted(bias_)) {
    options.grad_bias = &bias_->grad;
    options.accumulate_bias = bias_->has_grad;
  }
  if (grad_input == nullptr && !options.grad_weight && !options.grad_bias) return;
  ops::norm_backward(op_, shape_, grad_output, *input_, options);
  if (wanted(weight_)) weight_->mark_grad_ready();
  if (wanted(bias_)) bias_->mark_grad_ready();
}

void Normalization::require_saved_intact(bool input_grad) const {
  if (input_grad || (weight_ && weight_->requires_grad)) require_intact(input_, "input");
}

void Normalization::release_saved() noexcept {
  input_ = Tensor();
}

LayerNorm::LayerNorm(const Dims& normalized_shape, const LayerNormOptions& options)
    : Normalization("LayerNorm",
                    over_last("LayerNorm", NormOp::layer_norm, normalized_shape, options.eps)) {
  add_parameters(normalized_shape, options.elementwise_affine,
                 options.elementwise_affine && options.bias, options.dtype, options.device);
}

RMSNorm::RMSNorm(const Dims& normalized_shape, const RMSNormOptions& options)
    : Normalization("RMSNorm",
                    over_last("RMSNorm", NormOp::rms_norm, normalized_shape, eps_of(options))) {
  has_own_eps_ = options.eps.has_value();
  add_parameters(normalized_shape, options.elementwise_affine, false, options.dtype,
                 options.device);
}

GroupNorm::GroupNorm(std::int64_t num_groups, std::int64_t num_channels,
                     const GroupNormOptions& options)
    : Normalization("GroupNorm", over_groups(num_groups, num_channels, options.eps)) {
  add_parameters({num_channels}, options.affine, options.affine && options.bias, options.dtype,
                 options.device);
}

void GroupNorm::check_input(const Tensor& input, const NormShape& shape) const {
  // PyTorch's error.
  if (input.numel() > 0 && shape.samples * shape.channels / shape.groups * shape.inner == 1) {
    throw ShapeError(concat("GroupNorm: expected more than 1 value per channel when training, got ",
                            "shape ", input.shape()));
  }
}

std::string LayerNorm::extra_repr() const {
  return concat(python_tuple(step().normalized_shape), ", eps=", python_repr(eps()),
                ", elementwise_affine=", python_bool(weight() != nullptr),
                ", bias=", python_bool(bias() != nullptr));
}

std::string RMSNorm::extra_repr() const {
  return concat(python_tuple(step().normalized_shape),
                ", eps=", has_own_eps_ ? python_repr(eps()) : "None",
                ", elementwise_affine=", python_bool(weight() != nullptr));
}

std::string GroupNorm::extra_repr() const {
  return concat(step().groups, ", ", step().channels, ", eps=", python_repr(eps()),
                ", affine=", python_bool(weight() != nullptr),
                ", bias=", python_bool(bias() != nullptr));
}

std::unique_ptr<Module> LayerNorm::copy(ModuleCopier& copier) const {
  return std::make_unique<LayerNorm>(*this, copier);
}

std::unique_ptr<Module> RMSNorm::copy(ModuleCopier& copier) const {
  return std::make_unique<RMSNorm>(*this, copier);
}

std::unique_ptr<Module> GroupNorm::copy(ModuleCopier& copier) const {
  return std::make_unique<GroupNorm>(*this, copier);
}

}  // namespace wick::nn
