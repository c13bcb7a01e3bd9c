// SPDX-License-Identifier: MIT
// The family of losses that are sums over elements: what each is called, and what is given to the
// backend for it. The formulas are in kernels/formulas/loss.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "core/dtype.h"

namespace wick {

/// Losses of an input and a target of one shape, with up to one parameter a; PyTorch's of these
/// names.
enum class LossOp : std::uint8_t {
  l1_loss,
  mse_loss,
  smooth_l1_loss,  // a: beta
  huber_loss,      // a: delta
  binary_cross_entropy_with_logits,
};

/// In the order of the enumerators.
inline constexpr const char* kLossNames[] = {"l1_loss", "mse_loss", "smooth_l1_loss", "huber_loss",
                                             "binary_cross_entropy_with_logits"};
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
  double a = 0.0;                    // see LossOp
  bool mean = true;                  // over all elements; else the sum. The mean of none is NaN
  void* loss = nullptr;              // one element, overwritten
  void* grad = nullptr;              // (rows, cols), overwritten; null: not wanted
  double* loss_sum = nullptr;        // one element that the loss is added to, or none
};

}  // namespace wick
