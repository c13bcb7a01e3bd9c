// SPDX-License-Identifier: MIT
#include "wick/nn/losses/pointwise_loss.h"

#include <utility>

#include "nn/named_errors.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/core/ops_reduce.h"

namespace wick::nn {

PointwiseLoss::PointwiseLoss(std::string_view type_name, LossOp op, Reduction reduction,
                             Parameters parameters)
    : type_name_(type_name), op_(op), reduction_(reduction), parameters_(parameters) {
  if (reduction == Reduction::batchmean && op != LossOp::kl_div &&
      op != LossOp::kl_div_log_target) {
    throw ValueError(concat(type_name, ": batchmean is a reduction of KLDivLoss alone"));
  }
}

void PointwiseLoss::set_weights(Tensor weight, Tensor pos_weight) {
  weight_ = std::move(weight);
  pos_weight_ = std::move(pos_weight);
}

Tensor PointwiseLoss::forward(const Tensor& input, const Tensor& target) {
  return compute(input, target, nullptr, nullptr);
}

Tensor PointwiseLoss::compute(const Tensor& input, const Tensor& target, const Tensor* var,
                              const Tensor* grad_var) {
  require_input(input);
  require_contiguous("input", input);
  require_like("target", target, input, input.shape());
  require_contiguous("target", target);
  const Dims cols{input.dim() == 0 ? 1 : input.size(-1)};
  if (weight_.defined()) require_like("weight", weight_, input, cols);
  if (pos_weight_.defined()) require_like("pos_weight", pos_weight_, input, cols);
  const bool none = reduction_ == Reduction::none;
  double divisor = 0.0;
  if (reduction_ == Reduction::batchmean) {
    // PyTorch's batchmean of a number, and of none at all, divides by what size(0) gives.
    if (input.dim() == 0) {
      throw ShapeError(concat(type_name_, ": a batchmean needs a first dimension, got ", input));
    }
    divisor = static_cast<double>(input.size(0));
  }
  const Tensor& loss = loss_for(input);
  const Tensor losses = none ? losses_.like(input) : Tensor();
  const Tensor& grad = grad_for(input);
  const ops::PointwiseLossOptions options{
      .weight = weight_.defined() ? &weight_ : nullptr,
      .pos_weight = pos_weight_.defined() ? &pos_weight_ : nullptr,
      .a = parameters_.a,
      .b = parameters_.b,
      .mean = reduction_ == Reduction::mean || reduction_ == Reduction::batchmean,
      .divisor = divisor,
      .loss_sum = sum(),
      .losses = none ? &losses : nullptr,
      .var = var,
      .grad_var = grad_var};
  with_name_of([this] { return type_name(); },
               [&] { ops::pointwise_loss(op_, input, target, loss, &grad, options); });
  return result(loss, losses);
}

SmoothL1Loss::SmoothL1Loss(Reduction reduction, double beta)
    : PointwiseLoss("SmoothL1Loss", LossOp::smooth_l1_loss, reduction, {.a = beta}) {
  if (!(beta >= 0.0)) throw ValueError(concat("SmoothL1Loss: beta ", beta, " is negative"));
}

HuberLoss::HuberLoss(Reduction reduction, double delta)
    : PointwiseLoss("HuberLoss", LossOp::huber_loss, reduction, {.a = delta}) {
  if (!(delta > 0.0)) throw ValueError(concat("HuberLoss: delta ", delta, " is not positive"));
}

BCEWithLogitsLoss::BCEWithLogitsLoss(const BCEWithLogitsLossOptions& options)
    : PointwiseLoss("BCEWithLogitsLoss", LossOp::binary_cross_entropy_with_logits,
                    options.reduction) {
  set_weights(options.weight, options.pos_weight);
}

BCELoss::BCELoss(const BCELossOptions& options)
    : PointwiseLoss("BCELoss", LossOp::binary_cross_entropy, options.reduction) {
  set_weights(options.weight, {});
}

KLDivLoss::KLDivLoss(const KLDivLossOptions& options)
    : PointwiseLoss("KLDivLoss", options.log_target ? LossOp::kl_div_log_target : LossOp::kl_div,
                    options.reduction) {}

PoissonNLLLoss::PoissonNLLLoss(const PoissonNLLLossOptions& options)
    : PointwiseLoss(
          "PoissonNLLLoss",
          options.log_input ? LossOp::poisson_nll_loss_log_input : LossOp::poisson_nll_loss,
          options.reduction, {.a = options.eps, .b = options.full ? 1.0 : 0.0}) {
  if (!(options.eps > 0.0)) {
    throw ValueError(concat("PoissonNLLLoss: eps ", options.eps, " is not positive"));
  }
}

GaussianNLLLoss::GaussianNLLLoss(const GaussianNLLLossOptions& options)
    : PointwiseLoss("GaussianNLLLoss", LossOp::gaussian_nll_loss, options.reduction,
                    {.a = options.eps, .b = options.full ? 1.0 : 0.0}) {
  if (!(options.eps > 0.0)) {
    throw ValueError(concat("GaussianNLLLoss: eps ", options.eps, " is not positive"));
  }
}

Tensor GaussianNLLLoss::forward(const Tensor& /*input*/, const Tensor& /*target*/) {
  throw ValueError("GaussianNLLLoss: takes a variance, too; use forward(input, target, var)");
}

Tensor GaussianNLLLoss::forward(const Tensor& input, const Tensor& target, const Tensor& var) {
  require_input(input);
  require_like("var", var, input);
  Dims narrow = input.shape();
  bool fits = var.shape() == narrow;
  if (!fits && input.dim() > 0) {
    narrow[narrow.size() - 1] = 1;
    fits = var.shape() == narrow;
    if (!fits) {
      Dims shorter = narrow;
      shorter.erase(shorter.size() - 1);
      fits = var.shape() == shorter;
    }
  }
  if (!fits) {
    throw ShapeError(concat("GaussianNLLLoss: var has shape ", var.shape(), ", expected ",
                            input.shape(), ", or 1 in place of the last size, or without it"));
  }
  Tensor wide = var;
  if (var.shape() != input.shape()) {
    wide = wide_.get(input.shape(), var.dtype(), var.device());
    // The same number along the last dimension.
    Dims strides = var.contiguous().view(narrow).strides();
    strides[strides.size() - 1] = 0;
    wide.copy_(var.contiguous().as_strided(input.shape(), strides, 0));
  }
  var_shape_ = var.shape();
  const Tensor gradients = gradients_.like(input);
  Tensor loss = compute(input, target, &wide, &gradients);
  grad_var_ = gradients;
  return loss;
}

Tensor GaussianNLLLoss::var_backward() {
  static_cast<void>(backward());  // throws where there is none
  return reduce_to_var(grad_var_);
}

Tensor GaussianNLLLoss::var_backward(const Tensor& grad_output) {
  static_cast<void>(backward(grad_output));
  const Tensor& chained = chained_.like(grad_var_);
  ops::multiply(grad_output, grad_var_, chained);
  return reduce_to_var(chained);
}

const Tensor& GaussianNLLLoss::reduce_to_var(const Tensor& gradient) {
  if (gradient.shape() == var_shape_) return gradient;
  const Tensor& sums = narrow_.get(var_shape_, gradient.dtype(), gradient.device());
  const std::int64_t rows = sums.numel();
  ops::sum(gradient.view({rows, gradient.size(-1)}), 1, sums.view({rows}));
  return sums;
}

}  // namespace wick::nn
