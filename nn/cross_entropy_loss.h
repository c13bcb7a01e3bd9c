// SPDX-License-Identifier: MIT
// Softmax cross-entropy.
#pragma once

#include <utility>

#include "nn/scratch.h"

namespace wick::nn {

enum class Reduction { mean, sum };

struct CrossEntropyLossOptions {
  Tensor weight{};  // (C): a weight for each class; undefined for none
  std::int64_t ignore_index = -100;
  Reduction reduction = Reduction::mean;
  double label_smoothing = 0.0;  // in [0, 1]
};

/// torch.nn.CrossEntropyLoss for class indices. Computes the loss and its gradient in one pass.
/// Thread safety: none.
class CrossEntropyLoss {
 public:
  /// Throws ValueError for a label_smoothing outside [0, 1].
  explicit CrossEntropyLoss(CrossEntropyLossOptions options = {});

  /// The loss of logits (N, C) and int64 targets (N), as a tensor of one element on the logits'
  /// device that the next call overwrites. The mean of no rows is NaN.
  [[nodiscard]] Tensor forward(const Tensor& logits, const Tensor& targets);
  /// Each forward() from now on also adds its loss to `sum`, a float64 tensor of one element on the
  /// logits' device, so that nobody has to wait for every single loss. An undefined tensor ends it.
  void accumulate_in(Tensor sum) { sum_ = std::move(sum); }
  /// The gradient of the last loss by the logits; the next forward() overwrites it.
  [[nodiscard]] Tensor backward() const;

 private:
  CrossEntropyLossOptions options_;
  Scratch loss_;
  Scratch grad_;
  Tensor last_grad_;
  Tensor sum_;
};

}  // namespace wick::nn
