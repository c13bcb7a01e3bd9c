// SPDX-License-Identifier: MIT
// RMSprop: divides the gradient by a running mean of its size.
#pragma once

#include <string_view>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/optim/optimizer.h"

namespace wick::optim {

struct RMSpropOptions {
  double lr = 1e-2;           // at least 0
  double alpha = 0.99;        // at least 0: decay of the squared gradient's running mean
  double eps = 1e-8;          // at least 0; added to the denominator
  double weight_decay = 0.0;  // at least 0; times the parameter, added to the gradient
  double momentum = 0.0;      // at least 0
  bool centered = false;      // divides by the standard deviation instead of the root mean square
  bool maximize = false;      // climbs instead of descending
};

/// torch.optim.RMSprop (Hinton, lecture 6e of "Neural networks for machine learning"; centered:
/// Graves, https://arxiv.org/abs/1308.0850). State per parameter: 'step' (a float32 scalar),
/// 'square_avg', 'momentum_buffer' where momentum is not 0, and 'grad_avg' where centered.
class WICK_API RMSprop final : public Optimizer {
 public:
  using Group = ParamGroup<RMSpropOptions>;

  explicit RMSprop(std::vector<ParameterPtr> params, const RMSpropOptions& options = {});
  explicit RMSprop(std::vector<Group> groups);

  [[nodiscard]] std::string_view type_name() const noexcept override { return "RMSprop"; }
};

}  // namespace wick::optim
