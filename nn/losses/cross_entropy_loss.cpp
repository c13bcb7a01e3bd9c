// SPDX-License-Identifier: MIT
#include "wick/nn/losses/cross_entropy_loss.h"

#include <utility>

#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/core/ops_reduce.h"

namespace wick::nn {
namespace {

void require_reduction(const char* layer, Reduction reduction) {
  if (reduction != Reduction::batchmean) return;
  throw ValueError(concat(layer, ": batchmean is a reduction of KLDivLoss alone"));
}

const Tensor* defined(const Tensor& tensor) {
  return tensor.defined() ? &tensor : nullptr;
}

}  // namespace

CrossEntropyLoss::CrossEntropyLoss(CrossEntropyLossOptions options) : options_(std::move(options)) {
  require_reduction("CrossEntropyLoss", options_.reduction);
  if (!(options_.label_smoothing >= 0.0 && options_.label_smoothing <= 1.0)) {
    throw ValueError(concat("CrossEntropyLoss: label_smoothing ", options_.label_smoothing,
                            " is not between 0 and 1"));
  }
}

Tensor CrossEntropyLoss::forward(const Tensor& logits, const Tensor& targets) {
  if (targets.defined() && is_floating_point(targets.dtype())) {
    return of_probabilities(logits, targets);
  }
  return of_indices(ops::cross_entropy, logits, targets, options_.reduction,
                    {.weight = defined(options_.weight),
                     .label_smoothing = options_.label_smoothing,
                     .ignore_index = options_.ignore_index});
}

Tensor CrossEntropyLoss::of_probabilities(const Tensor& logits, const Tensor& targets) {
  check_input(logits, defined(options_.weight));
  if (targets.shape() != logits.shape() && targets.shape() == losses_shape(logits)) {
    static_cast<void>(flat_targets(logits, targets));  // refuses what are no class indices
  }
  require_like("target", targets, logits, logits.shape());
  const Tensor rows = rows_of(logits, rows_);
  const Tensor probabilities = rows_of(targets, target_rows_);
  const std::int64_t classes = rows.size(1);
  const bool none = options_.reduction == Reduction::none;
  const Tensor& logs = log_softmax_.like(rows);
  ops::softmax(rows, 1, true, logs);
  const Tensor& loss = loss_for(logits);
  const Tensor& element_losses = element_losses_.like(rows);
  const Tensor& element_grad = element_grad_.like(rows);
  ops::pointwise_loss(
      LossOp::soft_target_nll_loss, logs, probabilities, loss, &element_grad,
      {.weight = defined(options_.weight),
       .a = options_.label_smoothing,
       .b = options_.label_smoothing / static_cast<double>(classes),
       .mean = options_.reduction == Reduction::mean,
       .divisor = options_.reduction == Reduction::mean ? static_cast<double>(rows.size(0)) : 1.0,
       .loss_sum = sum(),
       .losses = none ? &element_losses : nullptr});
  Tensor losses;
  if (none) {
    losses = losses_.get(losses_shape(logits), logits.dtype(), logits.device());
    ops::sum(element_losses, 1, losses.view({rows.size(0)}));
  }
  const Tensor grad = row_grad_for(logits);
  ops::softmax_backward(element_grad, logs, 1, true, grad);
  keep_row_grad(grad);
  return result(loss, losses);
}

NLLLoss::NLLLoss(NLLLossOptions options) : options_(std::move(options)) {
  require_reduction("NLLLoss", options_.reduction);
}

Tensor NLLLoss::forward(const Tensor& log_probabilities, const Tensor& targets) {
  return of_indices(ops::nll_loss, log_probabilities, targets, options_.reduction,
                    {.weight = defined(options_.weight), .ignore_index = options_.ignore_index});
}

}  // namespace wick::nn
