// SPDX-License-Identifier: MIT
// Softmax cross-entropy.
#pragma once

#include "nn/losses/loss.h"

namespace wick::nn {

struct CrossEntropyLossOptions {
  Tensor weight{};  // (C): a weight for each class; undefined for none
  std::int64_t ignore_index = -100;
  Reduction reduction = Reduction::mean;
  double label_smoothing = 0.0;  // in [0, 1]
};

/// torch.nn.CrossEntropyLoss for class indices: logits (N, C) and int64 targets (N). The mean of no
/// rows is NaN.
class CrossEntropyLoss final : public Loss {
 public:
  /// Throws ValueError for a label_smoothing outside [0, 1].
  explicit CrossEntropyLoss(CrossEntropyLossOptions options = {});

  [[nodiscard]] std::string_view type_name() const noexcept override { return "CrossEntropyLoss"; }
  [[nodiscard]] Tensor forward(const Tensor& logits, const Tensor& targets) override;

 private:
  CrossEntropyLossOptions options_;
};

}  // namespace wick::nn
