// SPDX-License-Identifier: MIT
// Where a model and an optimizer meet.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "wick/core/compiler.h"
#include "wick/core/tensor.h"

namespace wick {

struct ArenaMemory;

/// A trainable tensor and its gradient, of equal shape, dtype and device, both contiguous. Shared
/// between the module that owns it and the optimizer that updates it.
struct WICK_API Parameter {
  Tensor value;
  Tensor grad;
  /// False stands for PyTorch's `grad is None`: the elements of `grad` mean nothing, the next
  /// backward pass overwrites them instead of adding to them, and optimizers skip the parameter.
  bool has_grad = false;
  /// PyTorch's flag. A backward pass does no work for the gradient of a frozen parameter (false)
  /// and leaves has_grad as it is.
  bool requires_grad = true;

  /// torch.Tensor.register_post_accumulate_grad_hook: where it is set, a backward pass calls it
  /// once it has added to `grad` all that this pass adds, so in the order in which gradients become
  /// ready: the last layer's first. A parameter that a network uses several times is reported with
  /// the last of its gradients; a frozen one, and one that the loss does not depend on, is not
  /// reported. The hook may change `grad` (to average it over machines, say) and must not call the
  /// module. What it throws leaves the backward pass unfinished. On CUDA, the gradient is ready in
  /// the order of the current stream. While a step is recorded (core/recording.h) it is called
  /// once, and what it gives to the stream becomes part of the recording; replays do not call it.
  std::function<void(Parameter&)> grad_ready_hook;

  /// For layers: `grad` has what this backward pass adds to it. Sets has_grad and calls the hook.
  void mark_grad_ready() {
    has_grad = true;
    if (grad_parts_left > 0) {
      --grad_parts_left;
    } else if (grad_ready_hook) {
      grad_ready_hook(*this);
    }
  }
  /// For containers: how many more layers will add to `grad` in this backward pass.
  int grad_parts_left = 0;

  /// The flat memory that ParameterArena has moved this parameter to; null before.
  std::shared_ptr<const ArenaMemory> arena_memory;
};

using ParameterPtr = std::shared_ptr<Parameter>;
using NamedParameter = std::pair<std::string, ParameterPtr>;

/// A parameter that holds `value` and an uninitialised gradient.
[[nodiscard]] WICK_API ParameterPtr make_parameter(Tensor value);

}  // namespace wick
