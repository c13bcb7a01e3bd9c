// SPDX-License-Identifier: MIT
// Lowers the learning rate to zero along a power.
#pragma once

#include <cstdint>

#include "wick/core/compiler.h"
#include "wick/optim/lr_scheduler.h"

namespace wick::optim {

/// torch.optim.lr_scheduler.PolynomialLR: the initial rate times (1 - t / total_iters)^power in
/// step t, and zero from step `total_iters` on.
class WICK_API PolynomialLR final : public LRScheduler {
 public:
  /// Throws ValueError for negative total_iters and a power that is not finite.
  explicit PolynomialLR(Optimizer& optimizer, std::int64_t total_iters = 5, double power = 1.0);

 private:
  [[nodiscard]] Dict options() const override;
  void read_options(OptionReader& reader) override;
  [[nodiscard]] double next_lr(double lr, double base_lr, const Step& step) const override;

  // Numbers, ints or floats as they were loaded.
  Value total_iters_;
  Value power_;
};

}  // namespace wick::optim
