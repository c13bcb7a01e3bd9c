// SPDX-License-Identifier: MIT
#include "tools/cli/option_conflicts.h"

#include <algorithm>

#include "tools/cli/learning.h"
#include "tools/cli/names.h"
#include "wick/core/error.h"

namespace wick::tools {
namespace {

constexpr const char* kLeaveOut = "leave it out";

/// An option that only some values of another one have a use for.
Conflict belongs_to(std::string_view option, std::string_view chooser, const std::string& chosen,
                    const std::vector<std::string>& users) {
  return {option, std::find(users.begin(), users.end(), chosen) == users.end(),
          concat("with ", chooser, " ", chosen),
          concat("leave it out, or give ", chooser, " ", one_of(users))};
}

Conflict of_optimizer(std::string_view option, const TrainConfig& config) {
  return belongs_to(option, "--optimizer", config.optimizer, optimizers_with(option));
}

Conflict of_scheduler(std::string_view option, const TrainConfig& config) {
  return belongs_to(option, "--scheduler", config.scheduler, schedulers_with(option));
}

Conflict of_gpu(std::string_view option, Device device) {
  return {option, device.type != DeviceType::cuda, concat("with --device ", device),
          "leave it out, or give --device cuda"};
}

Conflict of_cpu(std::string_view option, Device device) {
  return {option, device.type != DeviceType::cpu, concat("with --device ", device),
          "leave it out, or give --device cpu"};
}

}  // namespace

std::vector<Conflict> conflicts_of(const TrainOptions& options) {
  const TrainConfig& config = options.config;
  const bool has_file = options.resume || options.init;
  Conflict threads = of_cpu("--threads", options.device);
  threads.is_useless &= !config.normalize;  // the images are measured on the CPU
  return {
      of_optimizer("--momentum", config),
      of_optimizer("--nesterov", config),
      {"--nesterov", config.momentum == 0, "with --momentum 0", "give --momentum, as in 0.9"},
      of_scheduler("--step-size", config),
      of_scheduler("--gamma", config),
      of_scheduler("--milestones", config),
      of_scheduler("--power", config),
      of_gpu("--tf32", options.device),
      {"--tf32", config.autocast != "none", concat("with --autocast ", config.autocast),
       "leave one of them out"},
      of_gpu("--graph", options.device),
      // These runs use a graph anyway: the kernel for whole steps does not take them
      // (Trainer::network()).
      {"--graph", config.clip_grad_norm > 0,
       concat("with --clip-grad-norm ", config.clip_grad_norm), kLeaveOut},
      {"--graph", config.autocast != "none", concat("with --autocast ", config.autocast),
       kLeaveOut},
      {"--graph", config.model.size() > 1, "with several hidden layers (--model)", kLeaveOut},
      threads,
      {"--no-verify", !has_file, "without --resume or --init", kLeaveOut},
  };
}

std::vector<Conflict> predict_conflicts(Device device) {
  return {of_cpu("--threads", device)};
}

std::vector<Conflict> synthetic_conflicts(std::int64_t png, std::int64_t test) {
  return {
      {"--train", png > 0, concat("with --png ", png, ", which writes test digits alone"),
       kLeaveOut},
      {"--force", png > 0, concat("with --png ", png, ", which replaces no data set"), kLeaveOut},
      {"--test", png > test, concat("with --png ", png, ", since ", test, " are fewer"),
       concat("give --test ", png, " or more")}};
}

void refuse_useless(const std::set<std::string>& given, const std::vector<Conflict>& conflicts) {
  for (const Conflict& row : conflicts) {
    if (!row.is_useless || !given.contains(std::string(row.option))) continue;
    throw ValueError(concat(row.option, " has no effect ", row.beside, "; ", row.remedy));
  }
}

}  // namespace wick::tools
