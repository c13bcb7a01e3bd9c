// SPDX-License-Identifier: MIT
#include "nn/losses/cross_entropy_loss.h"

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
  const Tensor& loss = loss_for(logits);
  ops::cross_entropy(logits, targets, loss, &grad_for(logits),
                     {.weight = options_.weight.defined() ? &options_.weight : nullptr,
                      .label_smoothing = options_.label_smoothing,
                      .ignore_index = options_.ignore_index,
                      .mean = options_.reduction == Reduction::mean,
                      .loss_sum = sum()});
  return loss;
}

}  // namespace wick::nn
