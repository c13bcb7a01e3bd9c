// SPDX-License-Identifier: MIT
// Adagrad: divides the gradient by the root of the sum of all squared gradients.
#pragma once

#include <string_view>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/optim/optimizer.h"

namespace wick::optim {

struct AdagradOptions {
  double lr = 1e-2;           // at least 0
  double lr_decay = 0.0;      // at least 0; step t has the rate lr / (1 + (t - 1) lr_decay)
  double weight_decay = 0.0;  // at least 0; times the parameter, added to the gradient
  double initial_accumulator_value = 0.0;  // at least 0; what the sums begin with
  double eps = 1e-10;                      // at least 0; added to the denominator
  bool maximize = false;                   // climbs instead of descending
};

/// torch.optim.Adagrad (Duchi, Hazan and Singer,
/// https://jmlr.org/papers/v12/duchi11a.html). State per parameter, from the construction on:
/// 'step' (a float32 scalar) and 'sum'.
class WICK_API Adagrad final : public Optimizer {
 public:
  using Group = ParamGroup<AdagradOptions>;

  explicit Adagrad(std::vector<ParameterPtr> params, const AdagradOptions& options = {});
  explicit Adagrad(std::vector<Group> groups);

  [[nodiscard]] std::string_view type_name() const noexcept override { return "Adagrad"; }
};

}  // namespace wick::optim
