// SPDX-License-Identifier: MIT
// What all optimizers share: parameter groups, flat storage, and PyTorch's state layout.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "core/parameter.h"
#include "core/value.h"

namespace wick::optim {

/// torch.optim.Optimizer. At its construction it moves each group's parameters into one flat
/// allocation (see flatten()), so that a step is one pass per group.
///
/// Thread safety: none.
class Optimizer {
 public:
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;
  virtual ~Optimizer() = default;

  /// PyTorch's class name: "Adam".
  [[nodiscard]] virtual std::string_view type_name() const noexcept = 0;

  /// Updates every parameter that has a gradient.
  virtual void step() = 0;
  /// Forgets all gradients: the next backward pass sets them.
  void zero_grad();

  [[nodiscard]] std::size_t group_count() const noexcept { return groups_.size(); }
  /// The learning rate of a group. Throws IndexError.
  [[nodiscard]] double lr(std::size_t group = 0) const;
  void set_lr(double lr, std::size_t group);
  /// The rate that a scheduler counts from: PyTorch's param_groups[i]['initial_lr'].
  [[nodiscard]] double initial_lr(std::size_t group) const;

  /// PyTorch's layout and keys: {'state': {i: {...}}, 'param_groups': [{..., 'params': [i, ...]}]}.
  /// The state's tensors share their storage with the optimizer.
  [[nodiscard]] Value state_dict() const;
  /// Takes what state_dict() or PyTorch's optimizer of the same class gave. Throws StateDictError
  /// where the groups or shapes do not fit, and then changes nothing.
  void load_state_dict(const Value& state);
};

}  // namespace wick::optim
