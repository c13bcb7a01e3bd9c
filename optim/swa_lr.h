// SPDX-License-Identifier: MIT
// Anneals the learning rate to a fixed one, at which weights are averaged.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/optim/lr_scheduler.h"

namespace wick::optim {

/// torch.optim.swa_utils.SWALR: from each group's present rate to `swa_lr` within `anneal_epochs`
/// steps, and stays there. The groups keep their rates as 'swa_lr'. Without PyTorch's last_epoch:
/// to go on from an earlier run, load its state dictionary.
class WICK_API SWALR final : public LRScheduler {
 public:
  /// `anneal_strategy` is "cos" or "linear". Throws ValueError for another one, for negative
  /// anneal_epochs, and for a rate that is not finite.
  SWALR(Optimizer& optimizer, double swa_lr, std::int64_t anneal_epochs = 10,
        std::string anneal_strategy = "cos");
  /// A rate for each group; throws ValueError for another number of them.
  SWALR(Optimizer& optimizer, const std::vector<double>& swa_lrs, std::int64_t anneal_epochs = 10,
        std::string anneal_strategy = "cos");

 private:
  static Optimizer& prepared(Optimizer& optimizer, const std::vector<double>& swa_lrs,
                             std::int64_t anneal_epochs, const std::string& anneal_strategy);
  [[nodiscard]] Dict options() const override;
  void read_options(OptionReader& reader) override;
  void require_step(const Step& step) const override;
  [[nodiscard]] double next_lr(double lr, double base_lr, const Step& step) const override;
  [[nodiscard]] double begin_lr(double lr, double base_lr, const Step& step) const override {
    return next_lr(lr, base_lr, step);
  }
  // How far a step has come, from 0 to 1.
  [[nodiscard]] double share(double step) const;

  std::string anneal_strategy_;
  Value anneal_epochs_;  // a number, int or float as it was loaded
};

}  // namespace wick::optim
