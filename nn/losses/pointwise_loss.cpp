// SPDX-License-Identifier: MIT
#include "nn/losses/pointwise_loss.h"

#include <utility>

#include "core/error.h"
#include "core/ops.h"

namespace wick::nn {

void PointwiseLoss::set_weights(Tensor weight, Tensor pos_weight) {
  weight_ = std::move(weight);
  pos_weight_ = std::move(pos_weight);
}

Tensor PointwiseLoss::forward(const Tensor& input, const Tensor& target) {
  const Tensor& loss = loss_for(input);
  ops::pointwise_loss(op_, input, target, loss, &grad_for(input),
                      {.weight = weight_.defined() ? &weight_ : nullptr,
                       .pos_weight = pos_weight_.defined() ? &pos_weight_ : nullptr,
                       .a = a_,
                       .mean = reduction_ == Reduction::mean,
                       .loss_sum = sum()});
  return loss;
}

SmoothL1Loss::SmoothL1Loss(Reduction reduction, double beta)
    : PointwiseLoss("SmoothL1Loss", LossOp::smooth_l1_loss, reduction, beta) {
  if (!(beta >= 0.0)) throw ValueError(concat("SmoothL1Loss: beta ", beta, " is negative"));
}

HuberLoss::HuberLoss(Reduction reduction, double delta)
    : PointwiseLoss("HuberLoss", LossOp::huber_loss, reduction, delta) {
  if (!(delta > 0.0)) throw ValueError(concat("HuberLoss: delta ", delta, " is not positive"));
}

BCEWithLogitsLoss::BCEWithLogitsLoss(const BCEWithLogitsLossOptions& options)
    : PointwiseLoss("BCEWithLogitsLoss", LossOp::binary_cross_entropy_with_logits,
                    options.reduction) {
  set_weights(options.weight, options.pos_weight);
}

}  // namespace wick::nn
