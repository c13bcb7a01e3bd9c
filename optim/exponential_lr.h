// SPDX-License-Identifier: MIT
// Multiplies the learning rate by a factor in every step.
#pragma once

#include "wick/core/compiler.h"
#include "wick/optim/lr_scheduler.h"

namespace wick::optim {

/// torch.optim.lr_scheduler.ExponentialLR: times `gamma` in each step.
class WICK_API ExponentialLR final : public LRScheduler {
 public:
  /// Throws ValueError for a gamma that is not finite.
  ExponentialLR(Optimizer& optimizer, double gamma);

 private:
  [[nodiscard]] Dict options() const override;
  void read_options(OptionReader& reader) override;
  [[nodiscard]] double next_lr(double lr, double base_lr, const Step& step) const override;

  Value gamma_;  // a number, as it was loaded
};

}  // namespace wick::optim
