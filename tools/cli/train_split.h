// SPDX-License-Identifier: MIT
// Which training images are trained on, and which are held out.
#pragma once

#include "wick/core/random.h"
#include "wick/core/tensor.h"

namespace wick::tools {

struct TrainSplit {
  Tensor train;       // int64: positions of the images trained on, ascending
  Tensor validation;  // int64: of those held out, ascending; possibly none
};

/// Holds out round(count * share) images, but leaves at least one to train on. They are the last
/// entries of torch.randperm(count, generator=torch.Generator().manual_seed(seed)), so that the
/// same seed holds out the same images whenever the run is resumed.
[[nodiscard]] TrainSplit split_training(std::int64_t count, double share, std::uint64_t seed);

}  // namespace wick::tools
