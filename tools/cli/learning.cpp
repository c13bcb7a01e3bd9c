// SPDX-License-Identifier: MIT
#include "tools/cli/learning.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "wick/core/error.h"
#include "wick/optim/adagrad.h"
#include "wick/optim/adam.h"
#include "wick/optim/adamax.h"
#include "wick/optim/cosine_annealing_lr.h"
#include "wick/optim/cosine_annealing_warm_restarts.h"
#include "wick/optim/exponential_lr.h"
#include "wick/optim/linear_lr.h"
#include "wick/optim/multi_step_lr.h"
#include "wick/optim/nadam.h"
#include "wick/optim/one_cycle_lr.h"
#include "wick/optim/polynomial_lr.h"
#include "wick/optim/radam.h"
#include "wick/optim/rmsprop.h"
#include "wick/optim/sgd.h"
#include "wick/optim/step_lr.h"

namespace wick::tools {
namespace {

using Parameters = std::vector<ParameterPtr>;

/// What else a run has no option for is the optimizer's own default.
template <typename Optimizer, typename Options>
std::unique_ptr<optim::Optimizer> make(const TrainConfig& config, Parameters parameters) {
  Options options;
  options.lr = config.lr;
  options.weight_decay = config.weight_decay.value_or(options.weight_decay);
  if constexpr (requires { options.momentum; }) options.momentum = config.momentum;
  if constexpr (requires { options.nesterov; }) options.nesterov = config.nesterov;
  return std::make_unique<Optimizer>(std::move(parameters), options);
}

/// Options of the program that not all rows take.
using Takes = std::array<std::string_view, 2>;

struct OptimizerRow {
  const char* name;
  std::unique_ptr<optim::Optimizer> (*make)(const TrainConfig&, Parameters);
  Takes takes = {};
};

constexpr OptimizerRow kOptimizers[] = {
    {"sgd", make<optim::SGD, optim::SGDOptions>, {"--momentum", "--nesterov"}},
    {"adam", make<optim::Adam, optim::AdamOptions>},
    {"adamw", make<optim::AdamW, optim::AdamWOptions>},
    {"rmsprop", make<optim::RMSprop, optim::RMSpropOptions>, {"--momentum"}},
    {"adagrad", make<optim::Adagrad, optim::AdagradOptions>},
    {"nadam", make<optim::NAdam, optim::NAdamOptions>},
    {"radam", make<optim::RAdam, optim::RAdamOptions>},
    {"adamax", make<optim::Adamax, optim::AdamaxOptions>},
};

/// In steps.
struct Lengths {
  std::int64_t epoch;
  std::int64_t run;  // at least 1
};

template <typename Scheduler, typename... Arguments>
std::unique_ptr<optim::LRScheduler> schedule(optim::Optimizer& optimizer,
                                             Arguments&&... arguments) {
  return std::make_unique<Scheduler>(optimizer, std::forward<Arguments>(arguments)...);
}

struct SchedulerRow {
  const char* name;
  std::unique_ptr<optim::LRScheduler> (*make)(const TrainConfig&, optim::Optimizer&,
                                              const Lengths&);
  Takes takes = {};
  bool depends_on_epochs = false;
};

constexpr SchedulerRow kSchedulers[] = {
    {"none", [](const TrainConfig&, optim::Optimizer&,
                const Lengths&) { return std::unique_ptr<optim::LRScheduler>(); }},
    {"step",
     [](const TrainConfig& config, optim::Optimizer& optimizer, const Lengths& lengths) {
       return schedule<optim::StepLR>(optimizer, config.step_size * lengths.epoch, config.gamma);
     },
     {"--step-size", "--gamma"}},
    {"multistep",
     [](const TrainConfig& config, optim::Optimizer& optimizer, const Lengths& lengths) {
       std::vector<std::int64_t> milestones = config.milestones;
       for (std::int64_t& milestone : milestones) milestone *= lengths.epoch;
       return schedule<optim::MultiStepLR>(optimizer, milestones, config.gamma);
     },
     {"--milestones", "--gamma"}},
    {"exponential",
     [](const TrainConfig& config, optim::Optimizer& optimizer, const Lengths& lengths) {
       const auto steps = static_cast<double>(std::max<std::int64_t>(lengths.epoch, 1));
       return schedule<optim::ExponentialLR>(optimizer, std::pow(config.gamma, 1.0 / steps));
     },
     {"--gamma"}},
    {"linear",
     [](const TrainConfig&, optim::Optimizer& optimizer, const Lengths& lengths) {
       return schedule<optim::LinearLR>(optimizer, 1.0, 0.0, lengths.run);
     },
     {},
     true},
    {"polynomial",
     [](const TrainConfig& config, optim::Optimizer& optimizer, const Lengths& lengths) {
       return schedule<optim::PolynomialLR>(optimizer, lengths.run, config.power);
     },
     {"--power"},
     true},
    {"cosine",
     [](const TrainConfig&, optim::Optimizer& optimizer, const Lengths& lengths) {
       return schedule<optim::CosineAnnealingLR>(optimizer, lengths.run);
     },
     {},
     true},
    {"restarts",
     [](const TrainConfig& config, optim::Optimizer& optimizer, const Lengths& lengths) {
       return schedule<optim::CosineAnnealingWarmRestarts>(
           optimizer, std::max<std::int64_t>(config.step_size * lengths.epoch, 1));
     },
     {"--step-size"}},
    {"onecycle",
     [](const TrainConfig& config, optim::Optimizer& optimizer, const Lengths& lengths) {
       optim::OneCycleLROptions options;
       options.max_lr = config.lr;
       options.total_steps = lengths.run;
       options.cycle_momentum = false;
       return schedule<optim::OneCycleLR>(optimizer, options);
     },
     {},
     true},
};

const auto& row_of(const auto& rows, const std::string& name) {
  const auto* const found = std::find_if(std::begin(rows), std::end(rows),
                                         [&name](const auto& row) { return name == row.name; });
  if (found == std::end(rows)) throw ValueError(concat("there is no '", name, "'"));
  return *found;
}

std::vector<std::string> names_of(const auto& rows) {
  std::vector<std::string> names;
  for (const auto& row : rows) names.emplace_back(row.name);
  return names;
}

std::vector<std::string> names_that_take(const auto& rows, std::string_view option) {
  std::vector<std::string> names;
  for (const auto& row : rows) {
    if (std::ranges::find(row.takes, option) != row.takes.end()) names.emplace_back(row.name);
  }
  return names;
}

}  // namespace

const std::vector<std::string>& optimizer_names() {
  static const std::vector<std::string> names = names_of(kOptimizers);
  return names;
}

const std::vector<std::string>& scheduler_names() {
  static const std::vector<std::string> names = names_of(kSchedulers);
  return names;
}

std::vector<std::string> optimizers_with(std::string_view option) {
  return names_that_take(kOptimizers, option);
}

std::vector<std::string> schedulers_with(std::string_view option) {
  return names_that_take(kSchedulers, option);
}

bool depends_on_epochs(const std::string& scheduler) {
  return row_of(kSchedulers, scheduler).depends_on_epochs;
}

std::unique_ptr<optim::Optimizer> make_optimizer(const TrainConfig& config, Parameters parameters) {
  return row_of(kOptimizers, config.optimizer).make(config, std::move(parameters));
}

std::unique_ptr<optim::LRScheduler> make_scheduler(const TrainConfig& config,
                                                   optim::Optimizer& optimizer,
                                                   std::int64_t steps_per_epoch) {
  const Lengths lengths{.epoch = steps_per_epoch,
                        .run = std::max<std::int64_t>(config.epochs * steps_per_epoch, 1)};
  return row_of(kSchedulers, config.scheduler).make(config, optimizer, lengths);
}

}  // namespace wick::tools
