// SPDX-License-Identifier: MIT
#include "nn/network_step.h"

namespace wick::nn {

std::vector<NetworkLayer> chain_layers(const Module& model) {
  if (model.autocast_dtype() != DType::float32) return {};
  StepList list(StepList::Purpose::description);
  model.describe(list);
  if (list.inputs().size() != 1 || list.outputs().size() != 1) return {};
  std::vector<NetworkLayer> layers;
  ValueId value = list.inputs().front();
  for (const Step& step : list.steps()) {
    const bool is_known = step.kind == StepKind::linear || step.kind == StepKind::unary;
    if (!is_known || step.inputs.front() != value) return {};
    layers.push_back({step.weight, step.bias, step.op, step.parameters});
    value = step.output;
  }
  if (value != list.outputs().front()) return {};
  return layers;
}

void describe_loss(const CrossEntropyLoss& loss, NetworkStep& step) {
  const CrossEntropyLossOptions& options = loss.options();
  step.class_weights = options.weight;
  step.label_smoothing = options.label_smoothing;
  step.ignore_index = options.ignore_index;
  step.mean = options.reduction == Reduction::mean;
  step.loss_sum = loss.sum() == nullptr ? Tensor() : *loss.sum();
}

}  // namespace wick::nn
