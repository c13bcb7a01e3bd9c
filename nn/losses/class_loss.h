// SPDX-License-Identifier: MIT
// What the losses of classes have in common: inputs (C), (N, C) and (N, C, d1, ...).
#pragma once

#include "wick/core/compiler.h"
#include "wick/core/ops.h"
#include "wick/nn/losses/loss.h"

namespace wick::nn {

/// Brings the classes to the end, where the kernels want them, and gradients back.
class WICK_API ClassLoss : public Loss {
 protected:
  /// The loss of class indices, by ops::cross_entropy or ops::nll_loss. Of `options`, the loss
  /// gives what its own options say; the reduction, its sum and where losses go are set here.
  using Operation = void (*)(const Tensor& rows, const Tensor& targets, const Tensor& loss,
                             const Tensor* grad, const ops::CrossEntropyOptions& options);
  [[nodiscard]] Tensor of_indices(Operation operation, const Tensor& input, const Tensor& targets,
                                  Reduction reduction, ops::CrossEntropyOptions options);
  /// Throws DTypeError, DeviceError or ShapeError for an input that the loss does not take, and for
  /// class weights, unless they are null, that do not fit it.
  void check_input(const Tensor& input, const Tensor* weight) const;
  /// The input as rows of classes; a copy where it has more dimensions than two.
  [[nodiscard]] Tensor rows_of(const Tensor& input, Scratch& scratch) const;
  /// The shape of the losses: the input's without the classes.
  [[nodiscard]] static Dims losses_shape(const Tensor& input);
  /// Where the gradient by the rows is written: the gradient by the input, or scratch.
  [[nodiscard]] Tensor row_grad_for(const Tensor& input);
  /// Copies it from there to the gradient by the input.
  void keep_row_grad(const Tensor& row_grad) const;
  /// Contiguous, and flat; throws DTypeError unless int64, DeviceError unless on the input's
  /// device, and ShapeError unless of the shape of the losses.
  [[nodiscard]] Tensor flat_targets(const Tensor& input, const Tensor& targets) const;
  /// The gradient by the rows, each times that by its loss.
  void chain(const Tensor& grad_output, const Tensor& grad, const Tensor& out) override;

 private:
  Scratch rows_;
  Scratch losses_;
  Scratch row_grad_;
  Scratch chained_rows_;
};

}  // namespace wick::nn
