// SPDX-License-Identifier: MIT
#include "nn/network_step.h"

#include <utility>
#include <vector>

namespace wick::nn {
namespace {

// Empty where the model is no chain.
std::vector<NetworkLayer> chain_layers(const Module& model) {
  // Not the description, which leaves out what only training does.
  StepList list(StepList::Purpose::training);
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
  // A kernel for whole steps has no moment at which a gradient is ready.
  for (const auto& [name, parameter] : model.named_parameters()) {
    if (parameter->grad_ready_hook) return {};
  }
  return layers;
}

}  // namespace

std::shared_ptr<NetworkStep> describe_step(const Module& model, const CrossEntropyLoss& loss) {
  if (model.autocast_dtype() != DType::float32) return nullptr;
  std::vector<NetworkLayer> layers = chain_layers(model);
  if (layers.empty()) return nullptr;
  const CrossEntropyLossOptions& options = loss.options();
  auto step = std::make_shared<NetworkStep>();
  step->layers = std::move(layers);
  step->class_weights = options.weight;
  step->label_smoothing = options.label_smoothing;
  step->ignore_index = options.ignore_index;
  step->mean = options.reduction == Reduction::mean;
  step->loss_sum = loss.sum() == nullptr ? Tensor() : *loss.sum();
  return step;
}

}  // namespace wick::nn
