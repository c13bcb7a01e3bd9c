// SPDX-License-Identifier: MIT
#include "wick/optim/multi_step_lr.h"

#include <cmath>

#include "optim/option_reader.h"
#include "optim/schedule_checks.h"

namespace wick::optim {
namespace {

Dict counter_of(const std::vector<std::int64_t>& milestones) {
  Dict counter(Dict::Type::counter);
  for (const std::int64_t milestone : milestones) {
    const Value* const count = counter.find(milestone);
    counter.set(milestone, count == nullptr ? 1 : count->as_int() + 1);
  }
  return counter;
}

}  // namespace

MultiStepLR::MultiStepLR(Optimizer& optimizer, const std::vector<std::int64_t>& milestones,
                         double gamma)
    : LRScheduler((require_finite_option("MultiStepLR", "gamma", gamma), optimizer)),
      milestones_(counter_of(milestones)),
      gamma_(gamma) {
  for (const auto& [milestone, count] : milestones_.as_dict()) {
    counts_.emplace_back(milestone.as_double(), count.as_double());
  }
  start();
}

Dict MultiStepLR::options() const {
  return {{"milestones", milestones_}, {"gamma", gamma_}};
}

void MultiStepLR::read_options(OptionReader& reader) {
  std::vector<std::pair<double, double>> counts;
  const Value* const milestones = reader.find("milestones");
  bool sound = milestones != nullptr && milestones->kind() == Value::Kind::dict;
  if (sound) {
    for (const auto& [milestone, count] : milestones->as_dict()) {
      const std::optional<double> step = number_in(milestone);
      const std::optional<double> times = number_in(count);
      sound = sound && step.has_value() && times.has_value();
      if (sound) counts.emplace_back(*step, *times);
    }
  }
  if (!sound) reader.problem("'milestones' must be a Counter of numbers of steps");
  const Value gamma = reader.number_value("gamma");
  if (reader.has_problems()) return;
  milestones_ = Dict(milestones->as_dict());  // whoever owns the loaded one may empty it
  counts_ = std::move(counts);
  gamma_ = gamma;
}

double MultiStepLR::next_lr(double lr, double /*base_lr*/, const Step& step) const {
  for (const auto& [milestone, count] : counts_) {
    if (milestone == step.epoch) return lr * std::pow(gamma_.as_double(), count);
  }
  return lr;
}

double MultiStepLR::begin_lr(double /*lr*/, double base_lr, const Step& step) const {
  double passed = 0.0;
  for (const auto& [milestone, count] : counts_) {
    if (milestone <= step.epoch) passed += count;
  }
  return base_lr * std::pow(gamma_.as_double(), passed);
}

}  // namespace wick::optim
