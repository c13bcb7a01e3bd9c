// SPDX-License-Identifier: MIT
// One cycle of the learning rate: up, and down again below where it began.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/optim/lr_scheduler.h"

namespace wick::optim {

/// For parameter groups of their own, the lists have a value for each; else the number counts.
struct OneCycleLROptions {
  double max_lr = 0.0;  // the highest rate
  std::vector<double> max_lrs{};
  std::int64_t total_steps = 0;  // of the cycle; 0: epochs * steps_per_epoch
  std::int64_t epochs = 0;
  std::int64_t steps_per_epoch = 0;
  double pct_start = 0.3;               // in [0, 1]: the part of the cycle that goes up
  std::string anneal_strategy = "cos";  // or "linear"
  bool cycle_momentum = true;           // the momentum (Adam's beta1) goes the other way
  double base_momentum = 0.85;          // the lowest
  std::vector<double> base_momentums{};
  double max_momentum = 0.95;  // the highest, with which the cycle begins
  std::vector<double> max_momentums{};
  double div_factor = 25.0;       // the first rate is max_lr / div_factor
  double final_div_factor = 1e4;  // the last one is that divided by this
  bool three_phase = false;       // down to the first rate, and then to the last one
};

/// torch.optim.lr_scheduler.OneCycleLR (Smith and Topin, https://arxiv.org/abs/1708.07120). Call
/// step() after each batch. It keeps 'initial_lr', 'max_lr', 'min_lr', 'max_momentum' and
/// 'base_momentum' in the optimizer's parameter groups, as PyTorch does: to resume, load the state
/// of both.
class WICK_API OneCycleLR final : public LRScheduler {
 public:
  using Options = OneCycleLROptions;

  /// Throws ValueError for no or negative steps, a pct_start outside [0, 1] or one with which the
  /// first phase has no length (pct_start * total_steps is 1), another anneal_strategy, lists whose
  /// length is not the number of parameter groups, a number that is not finite, a division by zero,
  /// and cycle_momentum with an optimizer that has neither momentum nor beta1 (set it to false).
  OneCycleLR(Optimizer& optimizer, const Options& options);

 private:
  struct Phase {
    double end_step;
    std::string start_lr, end_lr, start_momentum, end_momentum;  // keys of the parameter groups
  };

  static Optimizer& prepared(Optimizer& optimizer, const Options& options);
  [[nodiscard]] Dict options() const override;
  void read_options(OptionReader& reader) override;
  /// Throws ValueError beyond total_steps.
  void require_step(const Step& step) const override;
  [[nodiscard]] double next_lr(double lr, double base_lr, const Step& step) const override;
  [[nodiscard]] double begin_lr(double lr, double base_lr, const Step& step) const override {
    return next_lr(lr, base_lr, step);
  }
  void follow(const Step& step) override;

  [[nodiscard]] static std::vector<Phase> phases_of(const Value& value, OptionReader& reader);
  // The phase of a step, and how far in it the step is, from 0 to 1.
  struct Position {
    const Phase* phase;
    double part;
  };
  [[nodiscard]] Position position(double epoch) const;
  [[nodiscard]] double anneal(double start, double end, double part) const;

  // As they were loaded.
  Value total_steps_;
  Value phase_list_;
  std::string anneal_strategy_;
  bool cycle_momentum_;
  bool use_beta1_ = false;
  std::vector<Phase> phases_;
};

}  // namespace wick::optim
