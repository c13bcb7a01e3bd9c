// SPDX-License-Identifier: MIT
// Changes the learning rate linearly, from a part of it to another.
#pragma once

#include <cstdint>

#include "wick/core/compiler.h"
#include "wick/optim/lr_scheduler.h"

namespace wick::optim {

/// torch.optim.lr_scheduler.LinearLR: from `start_factor` times the initial rate, at once, to
/// `end_factor` times it within `total_iters` steps.
class WICK_API LinearLR final : public LRScheduler {
 public:
  /// Throws ValueError for a start_factor outside (0, 1], an end_factor outside [0, 1], and
  /// negative total_iters.
  explicit LinearLR(Optimizer& optimizer, double start_factor = 1.0 / 3, double end_factor = 1.0,
                    std::int64_t total_iters = 5);

 private:
  [[nodiscard]] Dict options() const override;
  void read_options(OptionReader& reader) override;
  [[nodiscard]] double next_lr(double lr, double base_lr, const Step& step) const override;
  [[nodiscard]] double begin_lr(double lr, double base_lr, const Step& step) const override;

  // Numbers, ints or floats as they were loaded.
  Value start_factor_;
  Value end_factor_;
  Value total_iters_;
};

}  // namespace wick::optim
