// SPDX-License-Identifier: MIT
// Softmax cross-entropy, and the same of logarithms of probabilities.
#pragma once

#include "wick/core/compiler.h"
#include "wick/nn/losses/class_loss.h"

namespace wick::nn {

struct CrossEntropyLossOptions {
  Tensor weight{};  // (C): a weight for each class; undefined for none
  std::int64_t ignore_index = -100;
  Reduction reduction = Reduction::mean;
  double label_smoothing = 0.0;  // in [0, 1]
};

/// torch.nn.CrossEntropyLoss: logits (C), (N, C) or (N, C, d1, ...), and int64 class indices of
/// that shape without C, or probabilities of the classes, of the logits' shape and dtype; for
/// these, there is no ignore_index, and the mean is over N, d1, ... The mean of no rows is NaN.
class WICK_API CrossEntropyLoss final : public ClassLoss {
 public:
  /// Throws ValueError for a label_smoothing outside [0, 1].
  explicit CrossEntropyLoss(CrossEntropyLossOptions options = {});

  [[nodiscard]] std::string_view type_name() const noexcept override { return "CrossEntropyLoss"; }
  [[nodiscard]] const CrossEntropyLossOptions& options() const noexcept { return options_; }
  Tensor forward(const Tensor& logits, const Tensor& targets) override;

 private:
  [[nodiscard]] Tensor of_probabilities(const Tensor& logits, const Tensor& targets);

  CrossEntropyLossOptions options_;
  // With probabilities.
  Scratch rows_;
  Scratch target_rows_;
  Scratch losses_;
  Scratch log_softmax_;
  Scratch element_losses_;
  Scratch element_grad_;
};

struct NLLLossOptions {
  Tensor weight{};  // (C): a weight for each class; undefined for none
  std::int64_t ignore_index = -100;
  Reduction reduction = Reduction::mean;
};

/// torch.nn.NLLLoss: logarithms of probabilities (C), (N, C) or (N, C, d1, ...), as LogSoftmax
/// gives them, and int64 class indices of that shape without C. The mean of no rows is NaN.
class WICK_API NLLLoss final : public ClassLoss {
 public:
  explicit NLLLoss(NLLLossOptions options = {});

  [[nodiscard]] std::string_view type_name() const noexcept override { return "NLLLoss"; }
  Tensor forward(const Tensor& log_probabilities, const Tensor& targets) override;

 private:
  NLLLossOptions options_;
};

}  // namespace wick::nn
