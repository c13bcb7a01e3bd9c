// SPDX-License-Identifier: MIT
// The optimizers and schedules that a run can choose by name.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tools/cli/train_config.h"
#include "wick/core/parameter.h"
#include "wick/optim/lr_scheduler.h"
#include "wick/optim/optimizer.h"

namespace wick::tools {

/// Values of --optimizer and --scheduler.
[[nodiscard]] const std::vector<std::string>& optimizer_names();
[[nodiscard]] const std::vector<std::string>& scheduler_names();
/// "a, b or c".
[[nodiscard]] std::string one_of(const std::vector<std::string>& names);

/// Whether the optimizer has momentum, and Nesterov's, as options.
[[nodiscard]] bool takes_momentum(const std::string& optimizer);
[[nodiscard]] bool takes_nesterov(const std::string& optimizer);
/// Whether the rates of the first epochs depend on how many follow.
[[nodiscard]] bool depends_on_epochs(const std::string& scheduler);

/// By the names of a configuration that check() has found right.
[[nodiscard]] std::unique_ptr<optim::Optimizer> make_optimizer(
    const TrainConfig& config, std::vector<ParameterPtr> parameters);
/// To be stepped after each batch; null for "none".
[[nodiscard]] std::unique_ptr<optim::LRScheduler> make_scheduler(const TrainConfig& config,
                                                                 optim::Optimizer& optimizer,
                                                                 std::int64_t steps_per_epoch);

}  // namespace wick::tools
