// SPDX-License-Identifier: MIT
#include "wick/optim/optimizer.h"

#include <unordered_set>
#include <utility>

#include "optim/optimizer_group.h"
#include "optim/option_reader.h"
#include "wick/core/error.h"

namespace wick::optim {

Optimizer::Optimizer(std::string_view type_name, std::vector<RuleGroup> groups) {
  std::unordered_set<const Parameter*> seen;
  // Everything is checked before the first parameter is moved.
  if (groups.empty()) throw ValueError(concat(type_name, ": got no parameter groups"));
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (const auto problems = groups[g].options->problems(Origin::constructor); !problems.empty()) {
      throw ValueError(concat(type_name, ": parameter group ", g, ": ", problems.front()));
    }
    for (std::size_t i = 0; i < groups[g].params.size(); ++i) {
      const ParameterPtr& param = groups[g].params[i];
      if (param == nullptr || !param->value.defined()) {
        throw ValueError(concat(type_name, ": parameter ", i, " of group ", g, " is undefined"));
      }
      if (!seen.insert(param.get()).second) {
        throw ValueError(concat(type_name, ": parameter ", i, " of group ", g,
                                " has been given before; some parameters appear more than once"));
      }
    }
  }
  for (RuleGroup& group : groups) {
    groups_.push_back(std::make_unique<Group>(
        Group{.flat = FlatGroup(std::move(group.params)), .rule = std::move(group.options)}));
    groups_.back()->flat.begin(*groups_.back()->rule, last_place_);
  }
}

Optimizer::~Optimizer() = default;

void Optimizer::step() {
  for (const auto& group : groups_) {
    group->flat.refresh();
    group->flat.step(*group->rule, last_place_);
  }
}

void Optimizer::zero_grad() {
  for (const auto& group : groups_) {
    for (const ParameterPtr& param : group->flat.params()) param->has_grad = false;
  }
}

const std::vector<ParameterPtr>& Optimizer::params(std::size_t group) const noexcept {
  return groups_[group]->flat.params();
}

const UpdateRule& Optimizer::rule(std::size_t group) const noexcept {
  return *groups_[group]->rule;
}

std::size_t Optimizer::group_count() const noexcept {
  return groups_.size();
}

Optimizer::Group& Optimizer::group_at(std::size_t index, std::string_view operation) const {
  if (index >= groups_.size()) {
    throw IndexError(concat(type_name(), "::", operation, ": no parameter group ", index,
                            "; the optimizer has ", groups_.size()));
  }
  return *groups_[index];
}

double Optimizer::lr(std::size_t group) const {
  return group_at(group, "lr").rule->lr();
}

void Optimizer::set_lr(double lr, std::size_t group) {
  Group& target = group_at(group, "set_lr");
  std::vector<std::string> problems;
  require_not_negative(problems, "learning rate", lr, Origin::constructor);
  if (!problems.empty()) throw ValueError(concat(type_name(), "::set_lr: ", problems.front()));
  target.rule->set_lr(lr);
}

void Optimizer::take_lr(double lr, std::size_t group) noexcept {
  groups_[group]->rule->set_lr(lr);
}

void Optimizer::take_initial_lr(double lr, std::size_t group) noexcept {
  groups_[group]->initial_lr = lr;
}

std::optional<double> Optimizer::momentum(std::size_t group) const noexcept {
  return groups_[group]->rule->momentum();
}

bool Optimizer::momentum_is_beta1() const noexcept {
  return groups_.front()->rule->momentum_is_beta1();
}

void Optimizer::take_momentum(double momentum, std::size_t group) noexcept {
  groups_[group]->rule->set_momentum(momentum);
}

void Optimizer::set_group_number(std::size_t group, std::string_view key, double value) {
  groups_[group]->numbers.set(key, value);
}

std::optional<double> Optimizer::group_number(std::size_t group, std::string_view key) const {
  const Group& from = *groups_[group];
  if (key == "initial_lr") return from.initial_lr;
  const Value* found = from.numbers.find(key);
  if (found == nullptr) found = from.loaded.find(key);
  return found == nullptr ? std::nullopt : number_in(*found);
}

const ParameterArena& Optimizer::arena(std::size_t group) const {
  return group_at(group, "arena").flat.arena();
}

Tensor Optimizer::flat_state(std::string_view name, std::size_t group) const {
  const Group& from = group_at(group, "flat_state");
  const auto names = from.rule->state_names();
  std::string known;
  for (std::size_t k = 0; k < names.size(); ++k) {
    if (names[k].empty()) continue;
    const std::vector<Tensor>& tensors = from.flat.state().tensors;
    if (names[k] == name) return k < tensors.size() ? tensors[k] : Tensor();
    known = concat(known, known.empty() ? "" : ", ", names[k]);
  }
  throw ValueError(concat(type_name(), "::flat_state: there is no \"", name,
                          "\"; these options keep ", known.empty() ? "nothing" : known));
}

double Optimizer::initial_lr(std::size_t group) const {
  const Group& source = group_at(group, "initial_lr");
  return source.initial_lr.value_or(source.rule->lr());
}

void Optimizer::mark_initial_lr() {
  for (const auto& group : groups_) {
    if (group->initial_lr) continue;
    group->initial_lr = group->rule->lr();
    group->numbers_before_initial_lr = group->numbers.size();
  }
}

}  // namespace wick::optim
