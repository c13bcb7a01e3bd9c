// SPDX-License-Identifier: MIT
// How well a network does on images that it was not trained on.
#pragma once

#include <cstdint>
#include <string>

#include "wick/nn/sequential.h"
#include "wick/nn/transforms.h"

namespace wick::tools {

struct Score {
  std::int64_t hits = 0;
  std::int64_t count = 0;
  double loss = 0;  // mean cross-entropy
};

/// Scores images[indices] (uint8 (N, C, H, W), int64 (M)) against labels[indices]; all on the
/// model's device. Leaves the model in training mode if it was.
[[nodiscard]] Score evaluate(nn::Sequential& model, nn::Compose& transforms, const Tensor& images,
                             const Tensor& labels, const Tensor& indices);
/// All images.
[[nodiscard]] Score evaluate(nn::Sequential& model, nn::Compose& transforms, const Tensor& images,
                             const Tensor& labels);

/// "96.61 % (9661 of 10000)".
[[nodiscard]] std::string accuracy_text(const Score& score);

}  // namespace wick::tools
