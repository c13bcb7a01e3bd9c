// SPDX-License-Identifier: MIT
// Lowers the learning rate along half a cosine.
#pragma once

#include <cstdint>

#include "wick/core/compiler.h"
#include "wick/optim/lr_scheduler.h"

namespace wick::optim {

/// torch.optim.lr_scheduler.CosineAnnealingLR (Loshchilov and Hutter,
/// https://arxiv.org/abs/1608.03983, without restarts): from the initial rate to `eta_min` within
/// `t_max` (PyTorch's T_max) steps, and up again after them.
class WICK_API CosineAnnealingLR final : public LRScheduler {
 public:
  /// Throws ValueError for a t_max below 1 or an eta_min that is not finite.
  explicit CosineAnnealingLR(Optimizer& optimizer, std::int64_t t_max, double eta_min = 0.0);

 private:
  [[nodiscard]] Dict options() const override;
  void read_options(OptionReader& reader) override;
  [[nodiscard]] double next_lr(double lr, double base_lr, const Step& step) const override;
  [[nodiscard]] double begin_lr(double lr, double base_lr, const Step& step) const override;

  // Numbers, ints or floats as they were loaded.
  Value t_max_;
  Value eta_min_;
};

}  // namespace wick::optim
