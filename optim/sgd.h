// SPDX-License-Identifier: MIT
// Stochastic gradient descent with momentum.
#pragma once

#include <string_view>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/optim/optimizer.h"

namespace wick::optim {

struct SGDOptions {
  double lr = 1e-3;           // at least 0
  double momentum = 0.0;      // at least 0
  double dampening = 0.0;     // of the gradient that enters the momentum buffer
  double weight_decay = 0.0;  // at least 0; times the parameter, added to the gradient
  bool nesterov = false;      // needs momentum > 0 and dampening == 0
  bool maximize = false;      // climbs instead of descending
};

/// torch.optim.SGD. State per parameter: 'momentum_buffer', and only where momentum is not 0.
class WICK_API SGD final : public Optimizer {
 public:
  using Group = ParamGroup<SGDOptions>;

  explicit SGD(std::vector<ParameterPtr> params, const SGDOptions& options = {});
  explicit SGD(std::vector<Group> groups);

  [[nodiscard]] std::string_view type_name() const noexcept override { return "SGD"; }
};

}  // namespace wick::optim
