// SPDX-License-Identifier: MIT
// What an optimizer keeps of each parameter group. Private to the optimizer's two source files.
#pragma once

#include <memory>
#include <optional>

#include "optim/flat_group.h"
#include "optim/update_rule.h"
#include "wick/optim/optimizer.h"

namespace wick::optim {

struct Optimizer::Group {
  FlatGroup flat;
  std::unique_ptr<UpdateRule> rule;
  std::optional<double> initial_lr{};
  Dict numbers{};                             // that schedulers keep here
  std::size_t numbers_before_initial_lr = 0;  // in the order of PyTorch's keys
  Dict loaded{};  // the options as load_state_dict() got them, without 'params'
};

}  // namespace wick::optim
