// SPDX-License-Identifier: MIT
// A network as core's description of a training step has it.
#pragma once

#include <vector>

#include "core/network_step.h"
#include "nn/losses/cross_entropy_loss.h"
#include "nn/module.h"

namespace wick::nn {

/// The layers of a model that is a chain of linear layers and activations; empty for any other one,
/// and for one under autocast.
[[nodiscard]] std::vector<NetworkLayer> chain_layers(const Module& model);

/// Sets what NetworkStep says of the loss.
void describe_loss(const CrossEntropyLoss& loss, NetworkStep& step);

}  // namespace wick::nn
