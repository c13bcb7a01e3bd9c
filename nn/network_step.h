// SPDX-License-Identifier: MIT
// A network as core's description of a training step has it.
#pragma once

#include <memory>

#include "wick/core/network_step.h"
#include "wick/nn/losses/cross_entropy_loss.h"
#include "wick/nn/module.h"

namespace wick::nn {

/// A step of a model that is a chain of linear layers and activations, trained by this loss: all
/// but the data, `images` to `shift`, which the caller sets. Null for any other model, such as one
/// with a Dropout, and for one under autocast.
[[nodiscard]] std::shared_ptr<NetworkStep> describe_step(const Module& model,
                                                         const CrossEntropyLoss& loss);

}  // namespace wick::nn
