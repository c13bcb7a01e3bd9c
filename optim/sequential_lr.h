// SPDX-License-Identifier: MIT
// Several schedules, one after the other.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/optim/lr_scheduler.h"

namespace wick::optim {

/// torch.optim.lr_scheduler.SequentialLR: the first schedule up to the first of `milestones`, then
/// the second from its beginning, and so on. A warm-up, say:
///
///   std::vector<std::unique_ptr<LRScheduler>> parts;
///   parts.push_back(std::make_unique<LinearLR>(optimizer));
///   parts.push_back(std::make_unique<CosineAnnealingLR>(optimizer, 100));
///   SequentialLR scheduler(optimizer, std::move(parts), {5});
class WICK_API SequentialLR final : public LRScheduler {
 public:
  /// Throws ValueError for no schedulers, one that is null, of another optimizer or itself a
  /// SequentialLR, and where there is not one milestone less than schedulers.
  SequentialLR(Optimizer& optimizer, std::vector<std::unique_ptr<LRScheduler>> schedulers,
               std::vector<std::int64_t> milestones);

  void step() override;

  [[nodiscard]] Value state_dict() const override;
  void load_state_dict(const Value& state) override;

 private:
  using Parts = std::vector<std::unique_ptr<LRScheduler>>;
  // Before the base class leaves its mark in the optimizer.
  static Optimizer& checked(Optimizer& optimizer, const Parts& schedulers,
                            const std::vector<std::int64_t>& milestones);
  [[nodiscard]] bool has_parts() const noexcept override { return true; }
  [[nodiscard]] Dict options() const override { return {}; }
  void read_options(OptionReader& /*reader*/) override {}
  [[nodiscard]] double next_lr(double lr, double /*base_lr*/, const Step& /*step*/) const override {
    return lr;
  }
  // The rates are those that a schedule has set in an epoch.
  void take(const LRScheduler& scheduler, double epoch);
  // The schedule of an epoch.
  [[nodiscard]] std::size_t index_at(double epoch) const;

  std::vector<std::unique_ptr<LRScheduler>> schedulers_;
  std::vector<double> milestones_;
  Value milestones_as_loaded_;  // a list
};

}  // namespace wick::optim
