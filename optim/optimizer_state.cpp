// SPDX-License-Identifier: MIT
// Optimizer's state dictionary, in PyTorch's layout (torch/optim/optimizer.py).
#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "optim/optimizer_group.h"
#include "optim/option_reader.h"
#include "optim/state_reader.h"
#include "wick/core/error.h"
#include "wick/optim/optimizer.h"

namespace wick::optim {
namespace {

/// Options of PyTorch's own machinery. wick writes their defaults, and keeps what it has loaded.
bool is_foreign(const Value& key) {
  static constexpr std::array<std::string_view, 4> kForeign = {"foreach", "capturable",
                                                               "differentiable", "fused"};
  return std::find(kForeign.begin(), kForeign.end(), key.as_string()) != kForeign.end();
}

/// The options as PyTorch writes them; what was loaded is kept where it has the same value.
Dict merged_options(const Dict& current, const Dict& loaded) {
  Dict merged = loaded;
  for (const auto& [key, value] : current) {
    const Value* const kept = loaded.find(key);
    if (kept == nullptr || (!(*kept == value) && !is_foreign(key))) merged.set(key, value);
  }
  return merged;
}

/// That of the first parameter, in a state that has been read; empty where it has none.
Dict first_entry(const Value& state) {
  const std::vector<Value>& ids = state.at("param_groups").at_index(0).at("params").as_list();
  const Value* const entry = ids.empty() ? nullptr : state.at("state").as_dict().find(ids[0]);
  return entry == nullptr ? Dict() : entry->as_dict();
}

Dict state_entry(const FlatGroup& group, const UpdateRule& rule, std::size_t param) {
  Dict entry;
  if (rule.counts_steps()) {
    // float32 whatever the parameter's dtype, as torch.optim.Adam under the default dtype.
    entry.set("step", Tensor::scalar(static_cast<float>(group.state().entries[param].step)));
  }
  if (!rule.product_name().empty()) {
    const FlatState::Entry& from = group.state().entries[param];
    entry.set(rule.product_name(), from.wide_product
                                       ? Tensor::scalar(from.product)
                                       : Tensor::scalar(static_cast<float>(from.product)));
  }
  for (std::size_t slot = 0; slot < rule.state_names().size(); ++slot) {
    if (rule.state_names()[slot].empty()) continue;
    entry.set(rule.state_names()[slot], group.part(group.state().tensors[slot], param));
  }
  return entry;
}

}  // namespace

Value Optimizer::state_dict() const {
  List param_groups;
  std::vector<std::tuple<std::int64_t, std::int64_t, Dict>> entries;  // place, id, entry
  std::int64_t id = 0;
  for (const auto& group : groups_) {
    Dict current = group->rule->options();
    std::size_t before = group->numbers_before_initial_lr;
    for (const auto& [key, value] : group->numbers) {
      if (before-- == 0 && group->initial_lr) current.set("initial_lr", *group->initial_lr);
      current.set(key, value);
    }
    if (group->initial_lr) current.set("initial_lr", *group->initial_lr);
    Dict options = merged_options(current, group->loaded);
    List ids;
    const bool keeps_state = !group->rule->state_names().empty();
    for (std::size_t i = 0; i < group->flat.params().size(); ++i, ++id) {
      ids.items.emplace_back(id);
      const FlatState::Entry& entry = group->flat.state().entries[i];
      if (keeps_state && entry.present()) {
        entries.emplace_back(entry.place, id, state_entry(group->flat, *group->rule, i));
      }
    }
    options.set("params", std::move(ids));
    param_groups.items.emplace_back(std::move(options));
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return std::get<0>(a) < std::get<0>(b); });
  Dict state;
  for (auto& [place, key, entry] : entries) state.set(key, std::move(entry));
  if (Dict common = common_state(); !common.empty()) state.set(0, std::move(common));
  return Dict{{"state", std::move(state)}, {"param_groups", std::move(param_groups)}};
}

void Optimizer::load_state_dict(const Value& state) {
  const std::string operation = concat(type_name(), "::load_state_dict: ");
  if (state.kind() != Value::Kind::dict) {
    throw StateDictError(
        concat(operation, "wants a dict with 'state' and 'param_groups', got ", state.kind_name()));
  }
  std::vector<const FlatGroup*> flats;
  std::vector<const UpdateRule*> rules;
  for (const auto& group : groups_) {
    group->flat.refresh();
    flats.push_back(&group->flat);
    rules.push_back(group->rule.get());
  }
  StateReader reader(std::move(flats), std::move(rules));
  reader.read(state);
  throw_where_problems(operation, reader.problems());
  std::vector<std::string> problems;
  const auto take_common_state = read_common_state(first_entry(state), problems);
  throw_where_problems(operation, problems);
  // All memory is allocated and filled before the first group changes.
  std::vector<FlatState> states;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    states.push_back(groups_[g]->flat.empty_state(*reader.staged()[g].rule));
    states.back().entries = std::move(reader.staged()[g].entries);
  }
  for (const StateCopy& copy : reader.copies()) {
    const Tensor& flat = states[copy.group].tensors[copy.slot];
    groups_[copy.group]->flat.part(flat, copy.param).copy_(copy.from);
  }
  last_place_ = reader.last_place();
  take_common_state();
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    StagedGroup& staged = reader.staged()[g];
    groups_[g]->flat.set_state(std::move(states[g]));
    groups_[g]->rule = std::move(staged.rule);
    groups_[g]->initial_lr = staged.initial_lr;
    groups_[g]->loaded = std::move(staged.options);
    groups_[g]->numbers = Dict();
    groups_[g]->numbers_before_initial_lr = 0;
  }
}

}  // namespace wick::optim
