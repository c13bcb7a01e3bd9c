// SPDX-License-Identifier: MIT
#include "wick/nn/losses/class_loss.h"

#include "nn/named_errors.h"
#include "wick/core/error.h"

namespace wick::nn {
namespace {

std::int64_t classes_of(const Tensor& input) {
  return input.size(input.dim() == 1 ? 0 : 1);
}

// (N, C, d1, ...) as (N, d1, ..., C).
Tensor classes_last(const Tensor& tensor) {
  Dims order{0};
  for (std::int64_t dim = 2; dim < tensor.dim(); ++dim) order.push_back(dim);
  order.push_back(1);
  return tensor.permute(order);
}

Dims rows_shape(const Tensor& input) {
  const std::int64_t classes = classes_of(input);
  std::int64_t rows = 1;
  for (std::int64_t dim = 0; dim < input.dim(); ++dim) {
    if (input.dim() > 1 && dim != 1) rows *= input.size(dim);
  }
  return {rows, classes};
}

}  // namespace

Tensor ClassLoss::of_indices(Operation operation, const Tensor& input, const Tensor& targets,
                             Reduction reduction, ops::CrossEntropyOptions options) {
  check_input(input, options.weight);
  const Tensor rows = rows_of(input, rows_);
  const Tensor flat = flat_targets(input, targets);
  const Tensor& loss = loss_for(input);
  Tensor losses;
  Tensor flat_losses;
  if (reduction == Reduction::none) {
    losses = losses_.get(targets.shape(), input.dtype(), input.device());
    flat_losses = losses.view({losses.numel()});
    options.losses = &flat_losses;
  }
  const Tensor grad = row_grad_for(input);
  options.mean = reduction == Reduction::mean;
  options.loss_sum = sum();
  with_name_of([this] { return type_name(); },
               [&] { operation(rows, flat, loss, &grad, options); });
  keep_row_grad(grad);
  return result(loss, losses);
}

void ClassLoss::check_input(const Tensor& input, const Tensor* weight) const {
  require_input(input);
  if (input.dim() == 0) {
    throw ShapeError(concat(type_name(),
                            ": input has no dimensions, expected shape (C), (N, C) or "
                            "(N, C, d1, ...) with C classes"));
  }
  if (classes_of(input) == 0) {
    throw ShapeError(concat(type_name(), ": input has shape ", input.shape(),
                            ", expected at least one class, in dimension ",
                            input.dim() == 1 ? 0 : 1));
  }
  if (weight != nullptr) require_like("weight", *weight, input, {classes_of(input)});
}

Tensor ClassLoss::rows_of(const Tensor& input, Scratch& scratch) const {
  if (input.dim() == 2) return input;
  if (input.dim() == 1) return input.view({1, input.size(0)});
  const Tensor permuted = classes_last(input);
  const Tensor& copy = scratch.get(permuted.shape(), input.dtype(), input.device());
  copy.copy_(permuted);
  return copy.view(rows_shape(input));
}

Dims ClassLoss::losses_shape(const Tensor& input) {
  Dims shape;
  for (std::int64_t dim = 0; dim < input.dim(); ++dim) {
    if (input.dim() > 1 && dim != 1) shape.push_back(input.size(dim));
  }
  return shape;
}

Tensor ClassLoss::row_grad_for(const Tensor& input) {
  const Tensor& grad = grad_for(input);
  if (input.dim() <= 2) return grad.view(rows_shape(input));
  return row_grad_.get(rows_shape(input), input.dtype(), input.device());
}

void ClassLoss::keep_row_grad(const Tensor& row_grad) const {
  const Tensor& grad = last_grad();
  if (grad.dim() <= 2) return;
  const Tensor permuted = classes_last(grad);
  permuted.copy_(row_grad.view(permuted.shape()));
}

Tensor ClassLoss::flat_targets(const Tensor& input, const Tensor& targets) const {
  require_defined("target", targets);
  if (targets.dtype() != DType::int64) {
    throw DTypeError(concat(type_name(), ": target is ", targets.dtype(),
                            ", expected int64 class indices; use target.to(DType::int64)"));
  }
  require_same_device("target", targets, input);
  const Dims shape = losses_shape(input);
  if (targets.shape() != shape) {
    throw ShapeError(concat(type_name(), ": target has shape ", targets.shape(), ", expected ",
                            shape, " for the input ", input));
  }
  require_contiguous("target", targets);
  return targets.view({targets.numel()});
}

void ClassLoss::chain(const Tensor& grad_output, const Tensor& grad, const Tensor& out) {
  const Dims shape = rows_shape(grad);
  const Tensor factors = grad_output.reshape({shape[0], 1});  // one for all classes of a row
  if (grad.dim() <= 2) return ops::mul(factors, grad.view(shape), out.view(shape));
  const Tensor& rows = chained_rows_.get(shape, grad.dtype(), grad.device());
  const Tensor permuted = classes_last(grad);
  rows.view(permuted.shape()).copy_(permuted);
  ops::mul(factors, rows, rows);
  classes_last(out).copy_(rows.view(permuted.shape()));
}

}  // namespace wick::nn
