// SPDX-License-Identifier: MIT
// A part of the learning rate for the first steps, then all of it.
#pragma once

#include <cstdint>

#include "wick/core/compiler.h"
#include "wick/optim/lr_scheduler.h"

namespace wick::optim {

/// torch.optim.lr_scheduler.ConstantLR: `factor` times the initial rate, at once, and the whole
/// rate from step `total_iters` on.
class WICK_API ConstantLR final : public LRScheduler {
 public:
  /// Throws ValueError for a factor outside [0, 1] and negative total_iters. With a factor of 0,
  /// where PyTorch divides by it, the rate comes back to the initial one.
  explicit ConstantLR(Optimizer& optimizer, double factor = 1.0 / 3, std::int64_t total_iters = 5);

 private:
  [[nodiscard]] Dict options() const override;
  void read_options(OptionReader& reader) override;
  [[nodiscard]] double next_lr(double lr, double base_lr, const Step& step) const override;
  [[nodiscard]] double begin_lr(double lr, double base_lr, const Step& step) const override;

  // Numbers, ints or floats as they were loaded.
  Value factor_;
  Value total_iters_;
};

}  // namespace wick::optim
