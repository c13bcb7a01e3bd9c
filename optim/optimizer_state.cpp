// SPDX-License-Identifier: MIT
// Optimizer's state dictionary, in PyTorch's layout (torch/optim/optimizer.py).
#include <cmath>
#include <utility>

#include "core/error.h"
#include "optim/optimizer.h"
#include "optim/optimizer_group.h"
#include "optim/option_reader.h"

namespace wick::optim {
namespace {

/// Where in the optimizer a parameter of the state dictionary belongs.
struct Place {
  std::size_t group = 0;
  std::size_t param = 0;
};

/// A tensor that goes into the state once everything has been checked.
struct Copy {
  Place to;
  std::size_t slot = 0;
  Tensor from;
};

/// What a group becomes.
struct Staged {
  std::unique_ptr<UpdateRule> rule;
  std::optional<double> initial_lr;
  Dict options;
  std::vector<FlatState::Entry> entries;
};

/// Reads and checks a state dictionary; changes nothing but itself.
class StateReader {
 public:
  StateReader(std::vector<const FlatGroup*> groups, std::vector<const UpdateRule*> rules)
      : groups_(std::move(groups)), rules_(std::move(rules)), staged_(groups_.size()) {}

  void read(const Value& state) {
    const Value* const param_groups = member(state, "param_groups", Value::Kind::list, "list");
    const Value* const entries = member(state, "state", Value::Kind::dict, "dict");
    if (param_groups != nullptr) read_groups(param_groups->as_list());
    // Without sound groups there is nothing to compare the entries with.
    if (entries == nullptr || !problems_.empty()) return;
    for (const auto& [key, entry] : entries->as_dict()) read_entry(key, entry);
  }

  [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }
  [[nodiscard]] std::vector<Staged>& staged() { return staged_; }
  [[nodiscard]] const std::vector<Copy>& copies() const { return copies_; }

 private:
  template <typename... Args>
  void complain(const Args&... args) {
    problems_.push_back(concat(args...));
  }

  const Value* member(const Value& state, const char* key, Value::Kind kind, const char* wanted) {
    if (!state.contains(key)) {
      complain("there is no '", key, "'");
      return nullptr;
    }
    const Value& found = state.at(key);
    if (found.kind() == kind) return &found;
    complain("'", key, "' must be a ", wanted, ", found ", found.kind_name());
    return nullptr;
  }

  void read_groups(const std::vector<Value>& loaded) {
    if (loaded.size() != groups_.size()) {
      complain("it has ", loaded.size(), " parameter groups, the optimizer has ", groups_.size());
      return;
    }
    for (std::size_t g = 0; g < loaded.size(); ++g) {
      const std::string where = concat("param_groups[", g, "]");
      if (loaded[g].kind() != Value::Kind::dict) {
        complain(where, " must be a dict, found ", loaded[g].kind_name());
        continue;
      }
      read_ids(loaded[g], g, where);
      read_options(loaded[g].as_dict(), g, where);
    }
  }

  void read_ids(const Value& group, std::size_t g, const std::string& where) {
    const std::size_t wanted = groups_[g]->params().size();
    if (!group.contains("params") || group.at("params").kind() != Value::Kind::list) {
      complain(where, " has no list 'params'");
      return;
    }
    const std::vector<Value>& ids = group.at("params").as_list();
    if (ids.size() != wanted) {
      complain(where, " has ", ids.size(), " parameters, the optimizer's has ", wanted);
      return;
    }
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (ids[i].kind() != Value::Kind::integer) {
        complain(where, "['params'][", i, "] must be an int, found ", ids[i].kind_name());
      } else if (places_.find(ids[i]) != nullptr) {
        complain(where, "['params'][", i, "] is ", ids[i].as_int(), " a second time");
      } else {
        places_.set(ids[i], Tuple{{Value(static_cast<std::int64_t>(g)),
                                   Value(static_cast<std::int64_t>(i))}});
      }
    }
  }

  void read_options(const Dict& group, std::size_t g, const std::string& where) {
    Staged& staged = staged_[g];
    staged.entries.resize(groups_[g]->params().size());
    const std::size_t before = problems_.size();
    OptionReader reader(group, where, problems_);
    staged.rule = rules_[g]->read(reader);
    staged.initial_lr = reader.optional_number("initial_lr");
    if (problems_.size() == before) {
      for (const std::string& problem : staged.rule->problems()) complain(where, ": ", problem);
    }
    for (const auto& [key, value] : group) {
      if (!(key == Value("params"))) staged.options.set(key, value);
    }
  }

  void read_entry(const Value& key, const Value& entry) {
    const std::string where = key.kind() == Value::Kind::integer
                                  ? concat("state[", key.as_int(), "]")
                                  : concat("state: key of kind ", key.kind_name());
    const Value* const found = places_.find(key);
    if (found == nullptr) return complain(where, " belongs to no parameter of any group");
    if (entry.kind() != Value::Kind::dict) {
      return complain(where, " must be a dict, found ", entry.kind_name());
    }
    const Place place{static_cast<std::size_t>(found->at_index(0).as_int()),
                      static_cast<std::size_t>(found->at_index(1).as_int())};
    const Dict& values = entry.as_dict();
    const UpdateRule& rule = *staged_[place.group].rule;
    if (values.empty() || rule.state_names().empty()) return;  // never stepped, or not used
    FlatState::Entry& target = staged_[place.group].entries[place.param];
    if (rule.counts_steps()) {
      read_step(values, where, target);
    } else if (is_absent(values, rule.state_names().front())) {
      return;  // SGD: made at the next step
    }
    target.present = true;
    for (std::size_t slot = 0; slot < rule.state_names().size(); ++slot) {
      read_tensor(values, place, slot, where);
    }
  }

  static bool is_absent(const Dict& values, std::string_view key) {
    const Value* const found = values.find(key);
    return found == nullptr || found->is_none();
  }

  void read_step(const Dict& values, const std::string& where, FlatState::Entry& target) {
    const Value* const found = values.find("step");
    if (found == nullptr) return complain(where, " has no 'step'");
    const std::optional<double> step = number_in(*found);
    if (!step || !std::isfinite(*step) || *step < 0.0) {
      return complain(where, "['step'] must be a number that is not negative, found ",
                      found->kind_name(), step ? concat(" ", *step) : std::string());
    }
    target.step = *step;
  }

  void read_tensor(const Dict& values, Place place, std::size_t slot, const std::string& where) {
    const std::string_view name = staged_[place.group].rule->state_names()[slot];
    const Value* const found = values.find(name);
    if (found == nullptr) return complain(where, " has no '", name, "'");
    if (found->kind() != Value::Kind::tensor || !found->as_tensor().defined()) {
      return complain(where, "['", name, "'] must be a tensor, found ", found->kind_name());
    }
    const Tensor& tensor = found->as_tensor();
    const Tensor& param = groups_[place.group]->params()[place.param]->value;
    if (tensor.shape() != param.shape()) {
      return complain(where, "['", name, "'] has shape ", tensor.shape(),
                      ", the parameter has shape ", param.shape());
    }
    if (!is_floating_point(tensor.dtype())) {
      return complain(where, "['", name, "'] must be of a floating-point dtype, found ",
                      tensor.dtype());
    }
    copies_.push_back({place, slot, tensor});
  }

  std::vector<const FlatGroup*> groups_;
  std::vector<const UpdateRule*> rules_;
  std::vector<Staged> staged_;
  std::vector<Copy> copies_;
  std::vector<std::string> problems_;
  Dict places_;  // id -> (group, parameter)
};

/// The options as PyTorch writes them; what was loaded is kept where it has the same value.
Dict merged_options(const Dict& current, const Dict& loaded) {
  Dict merged = loaded;
  for (const auto& [key, value] : current) {
    const Value* const kept = loaded.find(key);
    if (kept == nullptr || !(*kept == value)) merged.set(key, value);
  }
  return merged;
}

Dict state_entry(const FlatGroup& group, const UpdateRule& rule, std::size_t param) {
  Dict entry;
  if (rule.counts_steps()) {
    // float32 whatever the parameter's dtype, as torch.optim.Adam under the default dtype.
    entry.set("step", Tensor::scalar(static_cast<float>(group.state().entries[param].step)));
  }
  for (std::size_t slot = 0; slot < rule.state_names().size(); ++slot) {
    entry.set(rule.state_names()[slot], group.part(group.state().tensors[slot], param));
  }
  return entry;
}

}  // namespace

Value Optimizer::state_dict() const {
  Dict state;
  List param_groups;
  std::int64_t id = 0;
  for (const auto& group : groups_) {
    Dict current = group->rule->options();
    if (group->initial_lr) current.set("initial_lr", *group->initial_lr);
    Dict options = merged_options(current, group->loaded);
    List ids;
    const bool keeps_state = !group->rule->state_names().empty();
    for (std::size_t i = 0; i < group->flat.params().size(); ++i, ++id) {
      ids.items.emplace_back(id);
      if (keeps_state && group->flat.state().entries[i].present) {
        state.set(id, state_entry(group->flat, *group->rule, i));
      }
    }
    options.set("params", std::move(ids));
    param_groups.items.emplace_back(std::move(options));
  }
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
  if (!reader.problems().empty()) {
    std::string message = operation + "the state does not fit; nothing was changed:";
    for (const std::string& problem : reader.problems()) message += "\n  " + problem;
    throw StateDictError(message);
  }
  // All memory is allocated and filled before the first group changes.
  std::vector<FlatState> states;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    states.push_back(groups_[g]->flat.empty_state(reader.staged()[g].rule->state_names().size()));
    states.back().entries = std::move(reader.staged()[g].entries);
  }
  for (const Copy& copy : reader.copies()) {
    const Tensor& flat = states[copy.to.group].tensors[copy.slot];
    groups_[copy.to.group]->flat.part(flat, copy.to.param).copy_(copy.from);
  }
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    Staged& staged = reader.staged()[g];
    groups_[g]->flat.set_state(std::move(states[g]));
    groups_[g]->rule = std::move(staged.rule);
    groups_[g]->initial_lr = staged.initial_lr;
    groups_[g]->loaded = std::move(staged.options);
  }
}

}  // namespace wick::optim
