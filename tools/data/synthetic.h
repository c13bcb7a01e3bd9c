// SPDX-License-Identifier: MIT
// Hand-drawn digits without a download: every image is drawn by a pen that never writes a digit
// twice in the same way.
#pragma once

#include <cstdint>

#include "tools/data/dataset.h"

namespace wick::tools {

/// Draws `count` grey images of 28 x 28 pixels, light on dark as MNIST's are, with as many of each
/// digit as of the others (to within one), in random order. Manner of writing, slant, rotation,
/// size, position, thickness, waviness, brightness and noise vary. The same count and seed give
/// the same images. Throws ValueError for a negative count.
[[nodiscard]] Dataset synthetic_digits(std::int64_t count, std::uint64_t seed);

struct SyntheticOptions {
  std::int64_t train_count = 60000;
  std::int64_t test_count = 10000;
  std::uint64_t seed = 0;  // the test part is drawn from another one
};

[[nodiscard]] DataSplit synthetic_split(const SyntheticOptions& options = {});

}  // namespace wick::tools
