// SPDX-License-Identifier: MIT
#include "wick/optim/lr_scheduler.h"

#include <cmath>
#include <string>
#include <utility>

#include "optim/option_reader.h"
#include "wick/core/error.h"

namespace wick::optim {
namespace {

List list_of(const std::vector<double>& values) {
  List list;
  for (const double value : values) list.items.emplace_back(value);
  return list;
}

Value number_of(double value, bool is_float) {
  return is_float ? Value(value) : Value(static_cast<std::int64_t>(value));
}

}  // namespace

LRScheduler::LRScheduler(Optimizer& optimizer) : optimizer_(optimizer) {
  optimizer_.mark_initial_lr();
  for (std::size_t g = 0; g < optimizer_.group_count(); ++g) {
    base_lrs_.push_back(optimizer_.initial_lr(g));
    last_lr_.push_back(optimizer_.lr(g));
  }
  next_.resize(last_lr_.size());
}

void LRScheduler::step() {
  move_to({.epoch = step_.epoch + 1.0, .count = step_.count + 1.0});
}

void LRScheduler::initial_step() {
  move_to({.epoch = 0.0, .count = 1.0, .is_initial = true});
}

void LRScheduler::begin() {
  take_rates({.epoch = 0.0, .count = step_.count}, true);
}

void LRScheduler::move_to(Step step) {
  take_rates(step, false);
}

void LRScheduler::take_rates(Step step, bool begins) {
  require_step(step);
  for (step.group = 0; step.group < next_.size(); ++step.group) {
    const std::size_t g = step.group;
    next_[g] = begins ? begin_lr(optimizer_.lr(g), base_lrs_[g], step)
                      : next_lr(optimizer_.lr(g), base_lrs_[g], step);
  }
  for (step.group = 0; step.group < next_.size(); ++step.group) {
    optimizer_.take_lr(next_[step.group], step.group);
    follow(step);
  }
  std::swap(last_lr_, next_);
  step_ = {.epoch = step.epoch, .count = step.count};
}

void LRScheduler::restore_initial_lr() {
  for (std::size_t g = 0; g < base_lrs_.size(); ++g) optimizer_.take_lr(base_lrs_[g], g);
}

void LRScheduler::set_initial_lr(Optimizer& optimizer, std::size_t group, double lr) {
  optimizer.take_initial_lr(lr, group);
}

void LRScheduler::set_group_number(Optimizer& optimizer, std::size_t group, std::string_view key,
                                   double value) {
  optimizer.set_group_number(group, key, value);
}

std::optional<double> LRScheduler::momentum(const Optimizer& optimizer, std::size_t group) {
  return optimizer.momentum(group);
}

void LRScheduler::set_momentum(Optimizer& optimizer, std::size_t group, double momentum) {
  optimizer.take_momentum(momentum, group);
}

bool LRScheduler::uses_beta1() const {
  return optimizer_.momentum_is_beta1();
}

void LRScheduler::require_group_numbers(std::string_view scheduler,
                                        std::initializer_list<std::string_view> keys) const {
  for (std::size_t g = 0; g < base_lrs_.size(); ++g) {
    for (const std::string_view key : keys) {
      if (optimizer_.group_number(g, key)) continue;
      throw ValueError(concat(scheduler, "::step: parameter group ", g, " has no '", key,
                              "'; load the optimizer's state that belongs to the scheduler's"));
    }
  }
}

double LRScheduler::group_number(std::size_t group, std::string_view key) const {
  return optimizer_.group_number(group, key).value_or(0.0);
}

Value LRScheduler::epoch_value() const {
  return number_of(step_.epoch, epoch_is_float_);
}

Value LRScheduler::last_lr_value() const {
  return list_of(last_lr_);
}

void LRScheduler::take_epoch(const Value& epoch) {
  step_.epoch = epoch.as_double();
  epoch_is_float_ = epoch.kind() == Value::Kind::real;
}

std::int64_t LRScheduler::last_epoch() const noexcept {
  return static_cast<std::int64_t>(std::floor(step_.epoch));
}

Value LRScheduler::state_dict() const {
  Dict state = options();
  state.set("base_lrs", list_of(base_lrs_));
  state.set("last_epoch", epoch_value());
  state.set("_step_count", number_of(step_.count, count_is_float_));
  // Flags that PyTorch raises only inside a step.
  state.set("_is_initial", false);
  state.set("_get_lr_called_within_step", false);
  state.set("_last_lr", last_lr_value());
  for (const auto& [key, value] : more_options()) state.set(key, value);
  return state;
}

void LRScheduler::load_state_dict(const Value& state) {
  if (state.kind() != Value::Kind::dict) {
    throw StateDictError(
        concat("LRScheduler::load_state_dict: wants a dict, got ", state.kind_name()));
  }
  std::vector<std::string> problems;
  OptionReader reader(state.as_dict(), "the state", problems);
  std::vector<double> base_lrs = reader.numbers("base_lrs", base_lrs_.size());
  std::vector<double> last_lr =
      reader.has("_last_lr") ? reader.numbers("_last_lr", last_lr_.size()) : last_lr_;
  const Value last_epoch = reader.count("last_epoch");
  const Value step_count = reader.count("_step_count", last_epoch.as_double() + 1.0);
  read_options(reader);
  throw_where_problems("LRScheduler::load_state_dict: ", problems);
  base_lrs_ = std::move(base_lrs);
  last_lr_ = std::move(last_lr);
  take_epoch(last_epoch);
  step_.count = step_count.as_double();
  count_is_float_ = reader.has("_step_count") && step_count.kind() == Value::Kind::real;
}

}  // namespace wick::optim
