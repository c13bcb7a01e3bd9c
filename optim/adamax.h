// SPDX-License-Identifier: MIT
// Adamax: Adam with the largest recent gradient in the place of the mean square.
#pragma once

#include <string_view>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/optim/optimizer.h"

namespace wick::optim {

struct AdamaxOptions {
  double lr = 2e-3;           // at least 0
  double beta1 = 0.9;         // in [0, 1): decay of the gradient's running mean
  double beta2 = 0.999;       // in [0, 1): decay of the largest gradient
  double eps = 1e-8;          // at least 0; added to the gradient's size
  double weight_decay = 0.0;  // at least 0; times the parameter, added to the gradient
  bool maximize = false;      // climbs instead of descending
};

/// torch.optim.Adamax (Kingma and Ba, https://arxiv.org/abs/1412.6980, section 7). State per
/// parameter: 'step' (a float32 scalar), 'exp_avg', 'exp_inf'.
class WICK_API Adamax final : public Optimizer {
 public:
  using Group = ParamGroup<AdamaxOptions>;

  explicit Adamax(std::vector<ParameterPtr> params, const AdamaxOptions& options = {});
  explicit Adamax(std::vector<Group> groups);

  [[nodiscard]] std::string_view type_name() const noexcept override { return "Adamax"; }
};

}  // namespace wick::optim
