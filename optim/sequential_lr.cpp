// SPDX-License-Identifier: MIT
#include "wick/optim/sequential_lr.h"

#include <algorithm>
#include <string>
#include <utility>

#include "optim/option_reader.h"
#include "wick/core/error.h"

namespace wick::optim {

Optimizer& SequentialLR::checked(Optimizer& optimizer, const Parts& schedulers,
                                 const std::vector<std::int64_t>& milestones) {
  if (schedulers.empty()) throw ValueError("SequentialLR: got no schedulers");
  if (milestones.size() + 1 != schedulers.size()) {
    throw ValueError(concat("SequentialLR: ", schedulers.size(), " schedulers need ",
                            schedulers.size() - 1, " milestones, got ", milestones.size()));
  }
  for (std::size_t i = 0; i < schedulers.size(); ++i) {
    if (schedulers[i] == nullptr || !schedulers[i]->is_of(optimizer)) {
      throw ValueError(concat("SequentialLR: scheduler ", i, " is not one of the same optimizer"));
    }
    if (schedulers[i]->has_parts()) {
      throw ValueError(concat("SequentialLR: scheduler ", i,
                              " is itself a SequentialLR; list its schedulers here instead"));
    }
  }
  return optimizer;
}

SequentialLR::SequentialLR(Optimizer& optimizer, Parts schedulers,
                           std::vector<std::int64_t> milestones)
    : LRScheduler(checked(optimizer, schedulers, milestones)), schedulers_(std::move(schedulers)) {
  List list;
  for (const std::int64_t milestone : milestones) {
    milestones_.push_back(static_cast<double>(milestone));
    list.items.emplace_back(milestone);
  }
  milestones_as_loaded_ = std::move(list);
  // What the schedulers did when they were made is taken back.
  restore_initial_lr();
  for (const auto& scheduler : schedulers_) scheduler->undo_step();
  LRScheduler& first = *schedulers_[index_at(0.0)];
  first.initial_step();
  take(first, 0.0);
}

void SequentialLR::take(const LRScheduler& scheduler, double epoch) {
  last_lr_ = scheduler.last_lr_;
  step_.epoch = epoch;
}

std::size_t SequentialLR::index_at(double epoch) const {
  return static_cast<std::size_t>(std::upper_bound(milestones_.begin(), milestones_.end(), epoch) -
                                  milestones_.begin());
}

void SequentialLR::step() {
  const double epoch = now().epoch + 1.0;
  const std::size_t index = index_at(epoch);
  LRScheduler& scheduler = *schedulers_[index];
  if (index > 0 && milestones_[index - 1] == epoch) {
    scheduler.begin();
  } else {
    scheduler.step();
  }
  take(scheduler, epoch);
}

Value SequentialLR::state_dict() const {
  List parts;
  for (const auto& scheduler : schedulers_) parts.items.push_back(scheduler->state_dict());
  return Dict{{"_milestones", milestones_as_loaded_},
              {"last_epoch", epoch_value()},
              {"_last_lr", last_lr_value()},
              {"_schedulers", std::move(parts)}};
}

void SequentialLR::load_state_dict(const Value& state) {
  const char* const operation = "SequentialLR::load_state_dict: ";
  if (state.kind() != Value::Kind::dict) {
    throw StateDictError(concat(operation, "wants a dict, got ", state.kind_name()));
  }
  std::vector<std::string> problems;
  OptionReader reader(state.as_dict(), "the state", problems);
  const std::vector<double> milestones =
      reader.numbers("_milestones", milestones_.size(), "one less than schedulers");
  const Value epoch = reader.count("last_epoch");
  const std::vector<double> last_lr = reader.numbers("_last_lr", this->last_lr().size());
  const Value* const parts = reader.find("_schedulers");
  if (parts == nullptr || parts->kind() != Value::Kind::list ||
      parts->as_list().size() != schedulers_.size()) {
    reader.problem(concat("'_schedulers' must be a list of ", schedulers_.size(), " dicts"));
  }
  throw_where_problems(operation, problems);
  // Where one of them does not fit, those before it get back what they had.
  std::vector<Value> before;
  for (const auto& scheduler : schedulers_) before.push_back(scheduler->state_dict());
  for (std::size_t i = 0; i < schedulers_.size(); ++i) {
    try {
      schedulers_[i]->load_state_dict(parts->at_index(i));
    } catch (const StateDictError& error) {
      for (std::size_t k = 0; k < i; ++k) schedulers_[k]->load_state_dict(before[k]);
      throw StateDictError(concat(operation, "_schedulers[", i, "]: ", error.what()));
    }
  }
  milestones_ = milestones;
  milestones_as_loaded_ = state.at("_milestones");
  take_epoch(epoch);
  last_lr_ = last_lr;
}

}  // namespace wick::optim
