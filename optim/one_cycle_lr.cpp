// SPDX-License-Identifier: MIT
#include "wick/optim/one_cycle_lr.h"

#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <utility>

#include "optim/option_reader.h"
#include "optim/schedule_checks.h"

namespace wick::optim {
namespace {

constexpr const char* kName = "OneCycleLR";

std::int64_t steps_of(const OneCycleLROptions& options) {
  if (options.total_steps != 0) {
    require_at_least(kName, "total_steps", options.total_steps, 1);
    return options.total_steps;
  }
  if (options.epochs == 0 || options.steps_per_epoch == 0) {
    throw ValueError("OneCycleLR: give total_steps, or epochs and steps_per_epoch");
  }
  require_at_least(kName, "epochs", options.epochs, 1);
  require_at_least(kName, "steps_per_epoch", options.steps_per_epoch, 1);
  return options.epochs * options.steps_per_epoch;
}

std::vector<double> for_each_group(const char* name, double one, const std::vector<double>& list,
                                   std::size_t groups) {
  std::vector<double> values = list.empty() ? std::vector<double>(groups, one) : list;
  if (values.size() != groups) {
    throw ValueError(
        concat(kName, ": got ", list.size(), ' ', name, " for ", groups, " parameter groups"));
  }
  for (const double value : values) require_finite_option(kName, name, value);
  return values;
}

Dict phase(const Value& end_step, const char* start_lr, const char* end_lr,
           const char* start_momentum, const char* end_momentum) {
  return {{"end_step", end_step},
          {"start_lr", start_lr},
          {"end_lr", end_lr},
          {"start_momentum", start_momentum},
          {"end_momentum", end_momentum}};
}

/// Whoever owns the loaded value may empty its containers.
Value copy_of(const Value& phases) {
  List copy;
  for (const Value& phase : phases.as_list()) copy.items.emplace_back(Dict(phase.as_dict()));
  return copy;
}

Value phase_list(const OneCycleLROptions& options, std::int64_t total_steps) {
  const double part = options.pct_start * static_cast<double>(total_steps);
  const Dict up = phase(part - 1.0, "initial_lr", "max_lr", "max_momentum", "base_momentum");
  const std::int64_t last = total_steps - 1;
  if (!options.three_phase) {
    return List{{up, phase(last, "max_lr", "min_lr", "base_momentum", "max_momentum")}};
  }
  const double twice = 2.0 * options.pct_start * static_cast<double>(total_steps);
  return List{{up, phase(twice - 2.0, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
               phase(last, "initial_lr", "min_lr", "max_momentum", "max_momentum")}};
}

}  // namespace

Optimizer& OneCycleLR::prepared(Optimizer& optimizer, const Options& options) {
  const std::int64_t total = steps_of(options);
  if (!(options.pct_start >= 0.0 && options.pct_start <= 1.0)) {
    throw ValueError(
        concat(kName, ": pct_start must be at least 0 and at most 1, got ", options.pct_start));
  }
  const double first_end = options.pct_start * static_cast<double>(total) - 1.0;
  const double second_end = 2.0 * options.pct_start * static_cast<double>(total) - 2.0;
  const bool empty = options.three_phase &&
                     (second_end == first_end || second_end == static_cast<double>(total - 1));
  if (first_end == 0.0 || first_end == static_cast<double>(total - 1) || empty) {
    throw ValueError(concat(kName, ": with pct_start ", options.pct_start, " of ", total,
                            " steps a phase has no length; choose another pct_start"));
  }
  if (options.anneal_strategy != "cos" && options.anneal_strategy != "linear") {
    throw ValueError(concat(kName, ": anneal_strategy must be 'cos' or 'linear', got '",
                            options.anneal_strategy, "'"));
  }
  const std::size_t groups = optimizer.group_count();
  const auto max_lrs = for_each_group("max_lr", options.max_lr, options.max_lrs, groups);
  const auto max_momentums =
      for_each_group("max_momentum", options.max_momentum, options.max_momentums, groups);
  const auto base_momentums =
      for_each_group("base_momentum", options.base_momentum, options.base_momentums, groups);
  if (options.div_factor == 0.0 || options.final_div_factor == 0.0) {
    throw ValueError(concat(kName, ": div_factor and final_div_factor must not be 0"));
  }
  if (options.cycle_momentum && !momentum(optimizer, 0)) {
    throw ValueError(concat(kName, ": ", optimizer.type_name(),
                            " has neither momentum nor beta1; set cycle_momentum to false"));
  }
  for (std::size_t g = 0; g < groups; ++g) {
    const double initial = max_lrs[g] / options.div_factor;
    set_initial_lr(optimizer, g, initial);
    set_group_number(optimizer, g, "max_lr", max_lrs[g]);
    set_group_number(optimizer, g, "min_lr", initial / options.final_div_factor);
    if (!options.cycle_momentum) continue;
    set_momentum(optimizer, g, max_momentums[g]);
    set_group_number(optimizer, g, "max_momentum", max_momentums[g]);
    set_group_number(optimizer, g, "base_momentum", base_momentums[g]);
  }
  return optimizer;
}

OneCycleLR::OneCycleLR(Optimizer& optimizer, const Options& options)
    : LRScheduler(prepared(optimizer, options)),
      total_steps_(steps_of(options)),
      phase_list_(phase_list(options, steps_of(options))),
      anneal_strategy_(options.anneal_strategy),
      cycle_momentum_(options.cycle_momentum),
      use_beta1_(uses_beta1()) {
  std::vector<std::string> problems;
  const Dict none;
  OptionReader reader(none, kName, problems);
  phases_ = phases_of(phase_list_, reader);
  start();
}

Dict OneCycleLR::options() const {
  Dict options{{"total_steps", total_steps_},
               {"_schedule_phases", phase_list_},
               {"_anneal_func_type", anneal_strategy_},
               {"cycle_momentum", cycle_momentum_}};
  if (cycle_momentum_) options.set("use_beta1", use_beta1_);
  return options;
}

std::vector<OneCycleLR::Phase> OneCycleLR::phases_of(const Value& value, OptionReader& reader) {
  static constexpr std::array<std::string_view, 5> kKeys = {"initial_lr", "max_lr", "min_lr",
                                                            "max_momentum", "base_momentum"};
  std::vector<Phase> phases;
  const auto known = [](const Value& phase, const char* key) {
    if (!phase.contains(key) || phase.at(key).kind() != Value::Kind::string) return false;
    for (const std::string_view one : kKeys) {
      if (phase.at(key).as_string() == one) return true;
    }
    return false;
  };
  if (value.kind() == Value::Kind::list) {
    for (const Value& phase : value.as_list()) {
      const std::optional<double> end =
          phase.kind() == Value::Kind::dict && phase.contains("end_step")
              ? number_in(phase.at("end_step"))
              : std::nullopt;
      if (!end || !known(phase, "start_lr") || !known(phase, "end_lr") ||
          !known(phase, "start_momentum") || !known(phase, "end_momentum")) {
        phases.clear();
        break;
      }
      phases.push_back({*end, phase.at("start_lr").as_string(), phase.at("end_lr").as_string(),
                        phase.at("start_momentum").as_string(),
                        phase.at("end_momentum").as_string()});
    }
  }
  if (phases.empty()) {
    reader.problem("'_schedule_phases' must be a list of dicts as PyTorch's OneCycleLR has them");
  }
  return phases;
}

void OneCycleLR::read_options(OptionReader& reader) {
  const Value total_steps = reader.number_value("total_steps");
  const Value* const list = reader.find("_schedule_phases");
  std::vector<Phase> phases = phases_of(list == nullptr ? Value() : *list, reader);
  const Value* const strategy = reader.find("_anneal_func_type");
  if (strategy == nullptr || strategy->kind() != Value::Kind::string ||
      (strategy->as_string() != "cos" && strategy->as_string() != "linear")) {
    reader.problem("'_anneal_func_type' must be 'cos' or 'linear'");
  }
  const bool cycle_momentum = reader.flag("cycle_momentum", true);
  const bool use_beta1 = reader.flag("use_beta1", use_beta1_);
  if (cycle_momentum && use_beta1 != uses_beta1()) {
    reader.problem("'use_beta1' is not what the optimizer has");
  }
  if (reader.has_problems()) return;
  total_steps_ = total_steps;
  phase_list_ = copy_of(*list);
  phases_ = std::move(phases);
  anneal_strategy_ = strategy->as_string();
  cycle_momentum_ = cycle_momentum;
  use_beta1_ = use_beta1;
}

OneCycleLR::Position OneCycleLR::position(double epoch) const {
  double start = 0.0;
  std::size_t i = 0;
  while (i + 1 < phases_.size() && epoch > phases_[i].end_step) start = phases_[i++].end_step;
  const double end = phases_[i].end_step;
  return {&phases_[i], (epoch - start) / (end - start)};
}

double OneCycleLR::anneal(double start, double end, double part) const {
  // The operations and their order are PyTorch's, to the last bit of the result.
  if (anneal_strategy_ == "linear") return (end - start) * part + start;
  const double cosine = std::cos(std::numbers::pi * part) + 1.0;
  return end + (start - end) / 2.0 * cosine;
}

void OneCycleLR::require_step(const Step& step) const {
  if (step.epoch > total_steps_.as_double()) {
    throw ValueError(concat(kName, "::step: step ", step.epoch, " of ", total_steps_.as_double(),
                            "; give the scheduler as many total_steps as there are"));
  }
  const Position now = position(step.epoch);
  require_group_numbers(kName, {now.phase->start_lr, now.phase->end_lr});
  if (cycle_momentum_) {
    require_group_numbers(kName, {now.phase->start_momentum, now.phase->end_momentum});
  }
}

double OneCycleLR::next_lr(double /*lr*/, double /*base_lr*/, const Step& step) const {
  const Position now = position(step.epoch);
  return anneal(group_number(step.group, now.phase->start_lr),
                group_number(step.group, now.phase->end_lr), now.part);
}

void OneCycleLR::follow(const Step& step) {
  if (!cycle_momentum_) return;
  const Position now = position(step.epoch);
  change_momentum(step.group, anneal(group_number(step.group, now.phase->start_momentum),
                                     group_number(step.group, now.phase->end_momentum), now.part));
}

}  // namespace wick::optim
