// SPDX-License-Identifier: MIT
// The optimizers and schedules that a run can choose by name.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/train_config.h"
#include "wick/core/parameter.h"
#include "wick/optim/lr_scheduler.h"
#include "wick/optim/optimizer.h"

namespace wick::tools {

/// Values of --optimizer and --scheduler.
[[nodiscard]] const std::vector<std::string>& optimizer_names();
[[nodiscard]] const std::vector<std::string>& scheduler_names();

/// Those that take an option which others have no use for, as "--momentum" or "--gamma".
[[nodiscard]] std::vector<std::string> optimizers_with(std::string_view option);
[[nodiscard]] std::vector<std::string> schedulers_with(std::string_view option);
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
