// SPDX-License-Identifier: MIT
// What layers offer to the steps beside them.
#pragma once

#include "wick/core/compiler.h"
#include "wick/core/ops.h"

namespace wick::nn {

/// A layer whose work is a product of matrices, which can take along what comes behind or before
/// it.
class WICK_API FusibleProduct {
 public:
  FusibleProduct(const FusibleProduct&) = delete;
  FusibleProduct& operator=(const FusibleProduct&) = delete;

  /// What else is done in the pass over the output.
  struct Epilogue {
    bool relu = false;  // a ReLU behind the layer
    /// The output is for another layer under autocast: it stays bfloat16, where this one is, too.
    bool for_autocast = false;
  };
  /// forward() and more, in one pass over the output.
  [[nodiscard]] virtual Tensor forward_fused(const Tensor& input, const Epilogue& more) = 0;
  /// backward() and that of a ReLU in front of this layer, in one pass: where the last input is a
  /// ReLU's output, returns the gradient by that ReLU's input. `bits`, or null: those of the same
  /// ReLU.
  [[nodiscard]] virtual Tensor backward_relu(const Tensor& grad_output,
                                             ops::ReluBits* bits = nullptr) = 0;
  /// What the last forward with a ReLU has left for the backward_relu() of the layer behind.
  [[nodiscard]] virtual ops::ReluBits& relu_bits() noexcept = 0;
  /// Whether its products have operands of bfloat16.
  [[nodiscard]] virtual bool is_autocast() const = 0;

 protected:
  FusibleProduct() = default;
  FusibleProduct(FusibleProduct&&) = default;
  FusibleProduct& operator=(FusibleProduct&&) = default;
  ~FusibleProduct() = default;
};

/// A pointwise layer that another one can do along with its own work.
class WICK_API FusibleActivation {
 public:
  FusibleActivation(const FusibleActivation&) = delete;
  FusibleActivation& operator=(const FusibleActivation&) = delete;

  /// The output has been computed already: backward() then works as after forward().
  virtual void set_output(const Tensor& output) = 0;

 protected:
  FusibleActivation() = default;
  FusibleActivation(FusibleActivation&&) = default;
  FusibleActivation& operator=(FusibleActivation&&) = default;
  ~FusibleActivation() = default;
};

}  // namespace wick::nn
