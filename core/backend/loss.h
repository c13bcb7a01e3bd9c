// SPDX-License-Identifier: MIT
// The family of losses that are sums over elements: what each is called, and what is given to the
// backend for it. The formulas are in kernels/formulas/loss.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "wick/core/dtype.h"

namespace wick {

/// Losses of an input and a target of one shape, with up to two parameters; PyTorch's of these
/// names.
enum class LossOp : std::uint8_t {
  l1_loss,
  mse_loss,
  smooth_l1_loss,  // a: beta
  huber_loss,      // a: delta
  binary_cross_entropy_with_logits,
  binary_cross_entropy,
  kl_div,
  kl_div_log_target,
  poisson_nll_loss,            // a: eps, b: whether full
  poisson_nll_loss_log_input,  // likewise
  gaussian_nll_loss,           // likewise
  soft_target_nll_loss,        // of cross-entropy with probabilities; a: label_smoothing, b: a / C
};

/// In the order of the enumerators.
inline constexpr const char* kLossNames[] = {"l1_loss",
                                             "mse_loss",
                                             "smooth_l1_loss",
                                             "huber_loss",
                                             "binary_cross_entropy_with_logits",
                                             "binary_cross_entropy",
                                             "kl_div",
                                             "kl_div",
                                             "poisson_nll_loss",
                                             "poisson_nll_loss",
                                             "gaussian_nll_loss",
                                             "cross_entropy"};
inline constexpr std::size_t kLossOpCount = std::size(kLossNames);
/// "mse_loss".
[[nodiscard]] constexpr const char* name_of(LossOp op) {
  return kLossNames[static_cast<std::size_t>(op)];
}

/// The loss of (rows, cols) contiguous elements and its gradient by the input, in one pass. All
/// pointers but `loss_sum` are to `dtype`.
struct PointwiseLossArgs {
  LossOp op = LossOp::mse_loss;
  DType dtype = DType::float32;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  const void* input = nullptr;
  const void* target = nullptr;
  const void* weight = nullptr;      // (cols): what each loss is multiplied by, or none
  const void* pos_weight = nullptr;  // (cols), or none; of binary_cross_entropy_with_logits
  const void* var = nullptr;         // (rows, cols), of gaussian_nll_loss alone
  double a = 0.0;                    // see LossOp
  double b = 0.0;                    // likewise
  double divisor = 1.0;              // of the sum and of the gradients; 0 / 0 is NaN
  void* loss = nullptr;              // one element, overwritten
  void* losses = nullptr;            // (rows, cols), overwritten, not divided; or none
  void* grad = nullptr;              // (rows, cols), overwritten; null: not wanted
  void* grad_var = nullptr;          // likewise, by var
  double* loss_sum = nullptr;        // one element that the loss is added to, or none
};

}  // namespace wick
