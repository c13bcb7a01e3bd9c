// SPDX-License-Identifier: MIT
// Lowers the learning rate along half a cosine, again and again.
#pragma once

#include <cstdint>

#include "wick/core/compiler.h"
#include "wick/optim/lr_scheduler.h"

namespace wick::optim {

/// torch.optim.lr_scheduler.CosineAnnealingWarmRestarts (Loshchilov and Hutter,
/// https://arxiv.org/abs/1608.03983): from the initial rate to `eta_min` within `t_0` (PyTorch's
/// T_0) steps, then from the initial rate within `t_mult` (T_mult) times as many, and so on.
class WICK_API CosineAnnealingWarmRestarts final : public LRScheduler {
 public:
  /// Throws ValueError for a t_0 or t_mult below 1 and an eta_min that is not finite.
  explicit CosineAnnealingWarmRestarts(Optimizer& optimizer, std::int64_t t_0,
                                       std::int64_t t_mult = 1, double eta_min = 0.0);

  void step() override;

 private:
  [[nodiscard]] Dict options() const override;
  void read_options(OptionReader& reader) override;
  [[nodiscard]] double next_lr(double lr, double base_lr, const Step& step) const override;
  [[nodiscard]] double begin_lr(double lr, double base_lr, const Step& step) const override {
    return next_lr(lr, base_lr, step);
  }
  void initial_step() override;

  // Numbers, ints or floats as they were loaded.
  Value t_0_;
  Value t_i_;  // steps from the last restart to the next one
  Value t_mult_;
  Value eta_min_;
  Value t_cur_;  // steps since the last restart
};

}  // namespace wick::optim
