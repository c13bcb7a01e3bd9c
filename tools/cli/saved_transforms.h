// SPDX-License-Identifier: MIT
// How the images of a checkpoint's network were prepared.
#pragma once

#include "wick/core/value.h"
#include "wick/nn/transforms.h"

namespace wick::tools {

/// The transforms that the training program described in a checkpoint: under 'transforms', or in
/// earlier versions under 'tfs'. Empty where there is no description: 'tfs' of a PyTorch
/// program has no entries, since torchvision's transforms have no state. Throws StateDictError
/// where a description cannot be understood.
[[nodiscard]] nn::Compose saved_transforms(const Value& checkpoint);

}  // namespace wick::tools
