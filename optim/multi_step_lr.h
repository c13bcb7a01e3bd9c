// SPDX-License-Identifier: MIT
// Multiplies the learning rate by a factor at given steps.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/optim/lr_scheduler.h"

namespace wick::optim {

/// torch.optim.lr_scheduler.MultiStepLR: times `gamma` at each of `milestones`, as often as it is
/// among them.
class WICK_API MultiStepLR final : public LRScheduler {
 public:
  /// Throws ValueError for a gamma that is not finite.
  MultiStepLR(Optimizer& optimizer, const std::vector<std::int64_t>& milestones,
              double gamma = 0.1);

 private:
  [[nodiscard]] Dict options() const override;
  void read_options(OptionReader& reader) override;
  [[nodiscard]] double next_lr(double lr, double base_lr, const Step& step) const override;
  [[nodiscard]] double begin_lr(double lr, double base_lr, const Step& step) const override;

  Value milestones_;                               // a Counter: step -> how often
  std::vector<std::pair<double, double>> counts_;  // the same
  Value gamma_;                                    // a number, as it was loaded
};

}  // namespace wick::optim
