// SPDX-License-Identifier: MIT
#include "nn/cross_entropy_loss.h"

#include <utility>

#include "core/error.h"
#include "core/ops.h"

namespace wick::nn {

CrossEntropyLoss::CrossEntropyLoss(CrossEntropyLossOptions options) : options_(std::move(options)) {
  if (!(options_.label_smoothing >= 0.0 && options_.label_smoothing <= 1.0)) {
    throw ValueError(concat("CrossEntropyLoss: label_smoothing ", options_.label_smoothing,
                            " is not between 0 and 1"));
  }
}

Tensor CrossEntropyLoss::forward(const Tensor& logits, const Tensor& targets) {
  const Tensor& loss = loss_.get({}, logits.dtype(), logits.device());
  last_grad_ = grad_.get(logits.shape(), logits.dtype(), logits.device());
  ops::cross_entropy(logits, targets, loss, &last_grad_,
                     {.weight = options_.weight.defined() ? &options_.weight : nullptr,
                      .label_smoothing = options_.label_smoothing,
                      .ignore_index = options_.ignore_index,
                      .mean = options_.reduction == Reduction::mean,
                      .loss_sum = sum_.defined() ? &sum_ : nullptr});
  return loss;
}

Tensor CrossEntropyLoss::backward() const {
  if (!last_grad_.defined()) {
    throw ValueError("CrossEntropyLoss: backward() before any forward()");
  }
  return last_grad_;
}

}  // namespace wick::nn
