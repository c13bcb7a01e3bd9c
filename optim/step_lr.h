// SPDX-License-Identifier: MIT
// Multiplies the learning rate by a factor at regular intervals.
#pragma once

#include <cstdint>

#include "wick/core/compiler.h"
#include "wick/optim/lr_scheduler.h"

namespace wick::optim {

/// torch.optim.lr_scheduler.StepLR: times `gamma` every `step_size` steps.
class WICK_API StepLR final : public LRScheduler {
 public:
  /// Throws ValueError for a step_size below 1 or a gamma that is not finite.
  explicit StepLR(Optimizer& optimizer, std::int64_t step_size, double gamma = 0.1);

 private:
  [[nodiscard]] Dict options() const override;
  void read_options(OptionReader& reader) override;
  [[nodiscard]] double next_lr(double lr, double base_lr, const Step& step) const override;

  // Numbers, ints or floats as they were loaded.
  Value step_size_;
  Value gamma_;
};

}  // namespace wick::optim
