// SPDX-License-Identifier: MIT
// NAdam: Adam with Nesterov momentum.
#pragma once

#include <string_view>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/optim/optimizer.h"

namespace wick::optim {

struct NAdamOptions {
  double lr = 2e-3;                     // at least 0
  double beta1 = 0.9;                   // in [0, 1): decay of the gradient's running mean
  double beta2 = 0.999;                 // in [0, 1): decay of the squared gradient's running mean
  double eps = 1e-8;                    // at least 0; added to the denominator
  double weight_decay = 0.0;            // at least 0
  double momentum_decay = 4e-3;         // at least 0: how fast the momentum grows to beta1
  bool decoupled_weight_decay = false;  // the parameter shrinks by lr * weight_decay, as AdamW's
  bool maximize = false;                // climbs instead of descending
};

/// torch.optim.NAdam (Dozat, https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ). State per
/// parameter: 'step' and 'mu_product' (float32 scalars), 'exp_avg', 'exp_avg_sq'.
class WICK_API NAdam final : public Optimizer {
 public:
  using Group = ParamGroup<NAdamOptions>;

  explicit NAdam(std::vector<ParameterPtr> params, const NAdamOptions& options = {});
  explicit NAdam(std::vector<Group> groups);

  [[nodiscard]] std::string_view type_name() const noexcept override { return "NAdam"; }
};

}  // namespace wick::optim
