// SPDX-License-Identifier: MIT
// Where a model and an optimizer meet.
#pragma once

#include <memory>

#include "core/tensor.h"

namespace wick {

/// A trainable tensor and its gradient, of equal shape, dtype and device, both contiguous. Shared
/// between the module that owns it and the optimizer that updates it.
struct Parameter {
  Tensor value;
  Tensor grad;
  /// False stands for PyTorch's `grad is None`: the elements of `grad` mean nothing, the next
  /// backward pass overwrites them instead of adding to them, and optimizers skip the parameter.
  bool has_grad = false;
  /// PyTorch's flag. A backward pass does no work for the gradient of a frozen parameter (false)
  /// and leaves has_grad as it is.
  bool requires_grad = true;
};

using ParameterPtr = std::shared_ptr<Parameter>;

/// A parameter that holds `value` and an uninitialised gradient.
[[nodiscard]] ParameterPtr make_parameter(Tensor value);

/// Moves the values and gradients of the parameters into two flat allocations, in order, so that
/// an optimizer step over them is one pass. Each begins at a multiple of 64 bytes. Parameters must
/// have one dtype and one device. The numbers do not change; tensors taken from the parameters
/// before no longer share their storage.
void flatten(std::span<const ParameterPtr> parameters);

}  // namespace wick
