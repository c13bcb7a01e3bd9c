// SPDX-License-Identifier: MIT
// RAdam: Adam whose first steps are those of momentum alone.
#pragma once

#include <string_view>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/optim/optimizer.h"

namespace wick::optim {

struct RAdamOptions {
  double lr = 1e-3;                     // at least 0
  double beta1 = 0.9;                   // in [0, 1): decay of the gradient's running mean
  double beta2 = 0.999;                 // in [0, 1): decay of the squared gradient's running mean
  double eps = 1e-8;                    // at least 0; added to the denominator
  double weight_decay = 0.0;            // at least 0
  bool decoupled_weight_decay = false;  // the parameter shrinks by lr * weight_decay, as AdamW's
  bool maximize = false;                // climbs instead of descending
};

/// torch.optim.RAdam (Liu et al., https://arxiv.org/abs/1908.03265). State per parameter: 'step' (a
/// float32 scalar), 'exp_avg', 'exp_avg_sq'.
class WICK_API RAdam final : public Optimizer {
 public:
  using Group = ParamGroup<RAdamOptions>;

  explicit RAdam(std::vector<ParameterPtr> params, const RAdamOptions& options = {});
  explicit RAdam(std::vector<Group> groups);

  [[nodiscard]] std::string_view type_name() const noexcept override { return "RAdam"; }
};

}  // namespace wick::optim
