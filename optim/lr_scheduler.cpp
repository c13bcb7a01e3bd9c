// SPDX-License-Identifier: MIT
#include "optim/lr_scheduler.h"

#include <cmath>
#include <string>
#include <utility>

#include "core/error.h"
#include "optim/option_reader.h"

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
}

void LRScheduler::step() noexcept {
  step_.count += 1.0;
  step_.epoch += 1.0;
  for (std::size_t g = 0; g < last_lr_.size(); ++g) {
    last_lr_[g] = next_lr(optimizer_.lr(g), base_lrs_[g], step_);
    optimizer_.take_lr(last_lr_[g], g);
  }
}

std::int64_t LRScheduler::last_epoch() const noexcept {
  return static_cast<std::int64_t>(std::floor(step_.epoch));
}

Value LRScheduler::state_dict() const {
  Dict state = options();
  state.set("base_lrs", list_of(base_lrs_));
  state.set("last_epoch", number_of(step_.epoch, epoch_is_float_));
  state.set("_step_count", number_of(step_.count, count_is_float_));
  // Flags that PyTorch raises only inside a step.
  state.set("_is_initial", false);
  state.set("_get_lr_called_within_step", false);
  state.set("_last_lr", list_of(last_lr_));
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
  if (!problems.empty()) {
    std::string message =
        "LRScheduler::load_state_dict: the state does not fit; nothing was changed:";
    for (const std::string& problem : problems) message += "\n  " + problem;
    throw StateDictError(message);
  }
  base_lrs_ = std::move(base_lrs);
  last_lr_ = std::move(last_lr);
  step_ = {last_epoch.as_double(), step_count.as_double()};
  epoch_is_float_ = last_epoch.kind() == Value::Kind::real;
  count_is_float_ = reader.has("_step_count") && step_count.kind() == Value::Kind::real;
}

}  // namespace wick::optim
