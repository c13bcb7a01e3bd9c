// SPDX-License-Identifier: MIT
// The learning rate by a function of the step.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/optim/lr_scheduler.h"

namespace wick::optim {

/// torch.optim.lr_scheduler.LambdaLR: the initial rate times lr_lambda(t) in step t. As in PyTorch,
/// functions are not part of the state.
class WICK_API LambdaLR final : public LRScheduler {
 public:
  using Function = std::function<double(std::int64_t epoch)>;

  /// Throws ValueError for a function that is empty. It is called for step 0 at once; what it
  /// throws later leaves the rates as they were.
  LambdaLR(Optimizer& optimizer, const Function& lr_lambda);
  /// One function for each parameter group. Throws ValueError for another number of them.
  LambdaLR(Optimizer& optimizer, std::vector<Function> lr_lambdas);

 private:
  [[nodiscard]] Dict options() const override { return {}; }
  [[nodiscard]] Dict more_options() const override;
  void read_options(OptionReader& reader) override;
  [[nodiscard]] double next_lr(double lr, double base_lr, const Step& step) const override;
  [[nodiscard]] double begin_lr(double lr, double base_lr, const Step& step) const override {
    return next_lr(lr, base_lr, step);
  }

  std::vector<Function> lr_lambdas_;
};

}  // namespace wick::optim
