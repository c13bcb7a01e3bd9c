// SPDX-License-Identifier: MIT
#include "wick/nn/layers/batch_norm.h"

#include <utility>

#include "wick/core/backend.h"
#include "wick/core/error.h"

namespace wick::nn {
namespace {

NormStep of_channels(std::string_view who, NormOp op, std::int64_t channels, double eps) {
  if (channels < 0) {
    throw ValueError(concat(who, ": num_features must not be negative, got ", channels));
  }
  NormStep step;
  step.op = op;
  step.channels = channels;
  step.groups = op == NormOp::batch_norm || channels == 0 ? 1 : channels;
  step.eps = eps;
  return step;
}

BatchNormOptions options_of(const InstanceNormOptions& options) {
  return {.eps = options.eps,
          .momentum = options.momentum,
          .affine = options.affine,
          .track_running_stats = options.track_running_stats,
          .bias = options.bias,
          .dtype = options.dtype,
          .device = options.device};
}

}  // namespace

RunningNormalization::RunningNormalization(std::string_view type_name, NormStep of,
                                           const BatchNormOptions& options)
    : Normalization(type_name, std::move(of)), momentum_(options.momentum) {
  const Dims shape{step().channels};
  add_parameters(shape, options.affine, options.affine && options.bias, options.dtype,
                 options.device);
  if (!options.track_running_stats) return;
  step().running_mean =
      register_buffer("running_mean", Tensor::full(shape, 0.0, options.dtype, options.device));
  step().running_var =
      register_buffer("running_var", Tensor::full(shape, 1.0, options.dtype, options.device));
  batches_ =
      register_buffer("num_batches_tracked", Tensor::full({}, 0.0, DType::int64, options.device));
}

std::string RunningNormalization::extra_repr() const {
  return concat(step().channels, ", eps=", python_repr(eps()),
                ", momentum=", momentum_ ? python_repr(*momentum_) : "None",
                ", affine=", python_bool(weight() != nullptr),
                ", bias=", python_bool(bias() != nullptr),
                ", track_running_stats=", python_bool(batches_ != nullptr));
}

void RunningNormalization::reset_running_stats() const {
  if (batches_ == nullptr) return;
  running_mean()->zero_();
  running_var()->fill_(1.0);
  batches_->zero_();
}

Normalization::Running RunningNormalization::running() const {
  if (batches_ == nullptr) return {};
  if (!is_training()) return {.use = true, .update = false};
  Running running{.use = false, .update = true};
  running.momentum = momentum_.value_or(0.0);
  if (!momentum_ && step().op == NormOp::batch_norm) running.batches = batches_.get();
  return running;
}

void RunningNormalization::count_batch() {
  if (step().op != NormOp::batch_norm) return;
  batches_->backend().advance(static_cast<std::int64_t*>(batches_->raw()));
}

void RunningNormalization::check_rank(const Tensor& input, std::size_t first,
                                      std::size_t last) const {
  const std::size_t rank = input.shape().size();
  if (rank < first || rank > last) {
    throw ShapeError(concat(type_name(), ": expected an input of ", first,
                            first == last ? "" : " or 3", " dimensions, got shape ",
                            input.shape()));
  }
}

BatchNorm::BatchNorm(std::string_view type_name, std::int64_t num_features,
                     const BatchNormOptions& options)
    : RunningNormalization(type_name,
                           of_channels(type_name, NormOp::batch_norm, num_features, options.eps),
                           options) {}

void BatchNorm::check_values(const Tensor& input, const NormShape& shape) const {
  if (!uses_running() && shape.samples * shape.inner == 1) {
    throw ShapeError(concat(type_name(),
                            ": expected more than 1 value per channel when training, got shape ",
                            input.shape(), "; use a larger batch, or eval()"));
  }
}

InstanceNorm2d::InstanceNorm2d(std::int64_t num_features, const InstanceNormOptions& options)
    : RunningNormalization(
          "InstanceNorm2d",
          of_channels("InstanceNorm2d", NormOp::layer_norm, num_features, options.eps),
          options_of(options)) {}

Tensor InstanceNorm2d::forward(const Tensor& input) {
  const bool single = input.dim() == 3;
  if (single && input.size(0) != step().channels) {
    throw ShapeError(concat("InstanceNorm2d: expected an input (N, ", step().channels,
                            ", H, W) or (", step().channels, ", H, W), got shape ", input.shape()));
  }
  const Tensor output = RunningNormalization::forward(single ? input.unsqueeze(0) : input);
  single_ = single;
  return single ? output[0] : output;
}

Tensor InstanceNorm2d::backward(const Tensor& grad_output, bool input_grad) {
  if (!single_) return RunningNormalization::backward(grad_output, input_grad);
  const Tensor grad_input = RunningNormalization::backward(grad_output.unsqueeze(0), input_grad);
  return input_grad ? grad_input[0] : Tensor();
}

void InstanceNorm2d::check_input(const Tensor& input, const NormShape& shape) const {
  check_rank(input, 4, 4);
  if (!uses_running() && shape.inner == 1) {
    throw ShapeError(
        concat("InstanceNorm2d: expected more than 1 spatial element when training, got shape ",
               input.shape()));
  }
}

std::unique_ptr<Module> BatchNorm1d::copy(ModuleCopier& copier) const {
  return std::make_unique<BatchNorm1d>(*this, copier);
}

std::unique_ptr<Module> BatchNorm2d::copy(ModuleCopier& copier) const {
  return std::make_unique<BatchNorm2d>(*this, copier);
}

std::unique_ptr<Module> InstanceNorm2d::copy(ModuleCopier& copier) const {
  return std::make_unique<InstanceNorm2d>(*this, copier);
}

}  // namespace wick::nn
