// SPDX-License-Identifier: MIT
#include "optim/lr_scheduler.h"

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

}  // namespace

LRScheduler::LRScheduler(Optimizer& optimizer) : optimizer_(optimizer) {
  optimizer_.mark_initial_lr();
  for (std::size_t g = 0; g < optimizer_.group_count(); ++g) {
    base_lrs_.push_back(optimizer_.initial_lr(g));
    last_lr_.push_back(optimizer_.lr(g));
  }
}

void LRScheduler::step() {
  ++step_count_;
  ++last_epoch_;
  for (std::size_t g = 0; g < last_lr_.size(); ++g) {
    last_lr_[g] = next_lr(optimizer_.lr(g), base_lrs_[g]);
    optimizer_.set_lr(last_lr_[g], g);
  }
}

Value LRScheduler::state_dict() const {
  Dict state = options();
  state.set("base_lrs", list_of(base_lrs_));
  state.set("last_epoch", last_epoch_);
  state.set("_step_count", step_count_);
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
  const std::int64_t last_epoch = reader.integer("last_epoch");
  const std::int64_t step_count = reader.optional_integer("_step_count").value_or(last_epoch + 1);
  if (last_epoch < 0) reader.problem(concat("'last_epoch' must be at least 0, found ", last_epoch));
  read_options(reader);
  if (!problems.empty()) {
    std::string message =
        "LRScheduler::load_state_dict: the state does not fit; nothing was changed:";
    for (const std::string& problem : problems) message += "\n  " + problem;
    throw StateDictError(message);
  }
  base_lrs_ = std::move(base_lrs);
  last_lr_ = std::move(last_lr);
  last_epoch_ = last_epoch;
  step_count_ = step_count;
}

}  // namespace wick::optim
