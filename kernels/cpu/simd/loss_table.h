// SPDX-License-Identifier: MIT
// Losses that are sums over elements: what the kernels get, and which there are.
#pragma once

#include <cstdint>

#include "wick/core/backend/loss.h"

namespace wick::cpu {

/// Losses over (rows, cols) elements, see PointwiseLossArgs.
template <typename T>
struct PointwiseLossTask {
  const T* input;
  const T* target;
  const T* weight;      // (cols) or null
  const T* pos_weight;  // likewise
  const T* var;         // (rows, cols) or null
  T* losses;            // likewise
  T* grad;              // likewise
  T* grad_var;          // likewise
  std::int64_t rows;
  std::int64_t cols;
  T a;
  T b;
  T scale;  // of the gradient
};

template <typename T>
struct LossTable {
  /// By LossOp; returns the sum of the losses.
  double (*pointwise_loss[kLossOpCount])(const PointwiseLossTask<T>&);
};
template <typename T, typename Isa>
[[nodiscard]] LossTable<T> loss_table();

}  // namespace wick::cpu
