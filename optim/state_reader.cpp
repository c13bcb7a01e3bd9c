// SPDX-License-Identifier: MIT
#include "optim/state_reader.h"

#include <cmath>
#include <utility>

#include "optim/option_reader.h"
#include "wick/core/error.h"

namespace wick::optim {
namespace {

bool is_absent(const Dict& values, std::string_view key) {
  const Value* const found = values.find(key);
  return found == nullptr || found->is_none();
}

}  // namespace

StateReader::StateReader(std::vector<const FlatGroup*> groups, std::vector<const UpdateRule*> rules)
    : groups_(std::move(groups)), rules_(std::move(rules)), staged_(groups_.size()) {}

template <typename... Args>
void StateReader::complain(const Args&... args) {
  problems_.push_back(concat(args...));
}

void StateReader::read(const Value& state) {
  const Value* const param_groups = member(state, "param_groups", Value::Kind::list, "list");
  const Value* const entries = member(state, "state", Value::Kind::dict, "dict");
  if (param_groups != nullptr) read_groups(param_groups->as_list());
  // Without sound groups there is nothing to compare the entries with.
  if (entries == nullptr || !problems_.empty()) return;
  for (const auto& [key, entry] : entries->as_dict()) read_entry(key, entry);
}

const Value* StateReader::member(const Value& state, const char* key, Value::Kind kind,
                                 const char* wanted) {
  if (!state.contains(key)) {
    complain("there is no '", key, "'");
    return nullptr;
  }
  const Value& found = state.at(key);
  if (found.kind() == kind) return &found;
  complain("'", key, "' must be a ", wanted, ", found ", found.kind_name());
  return nullptr;
}

void StateReader::read_groups(const std::vector<Value>& loaded) {
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

void StateReader::read_ids(const Value& group, std::size_t g, const std::string& where) {
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

void StateReader::read_options(const Dict& group, std::size_t g, const std::string& where) {
  StagedGroup& staged = staged_[g];
  staged.entries.resize(groups_[g]->params().size());
  const std::size_t before = problems_.size();
  OptionReader reader(group, where, problems_);
  staged.rule = rules_[g]->read(reader);
  staged.initial_lr = reader.optional_number("initial_lr");
  if (problems_.size() == before) {
    for (const std::string& problem : staged.rule->problems(Origin::loaded)) {
      complain(where, ": ", problem);
    }
  }
  for (const auto& [key, value] : group) {
    if (!(key == Value("params"))) staged.options.set(key, value);
  }
}

void StateReader::read_entry(const Value& key, const Value& entry) {
  const std::string where = key.kind() == Value::Kind::integer
                                ? concat("state[", key.as_int(), "]")
                                : concat("state: key of kind ", key.kind_name());
  const Value* const found = places_.find(key);
  if (found == nullptr) return complain(where, " belongs to no parameter of any group");
  if (entry.kind() != Value::Kind::dict) {
    return complain(where, " must be a dict, found ", entry.kind_name());
  }
  const auto g = static_cast<std::size_t>(found->at_index(0).as_int());
  const auto param = static_cast<std::size_t>(found->at_index(1).as_int());
  const Dict& values = entry.as_dict();
  const UpdateRule& rule = *staged_[g].rule;
  if (values.empty() || rule.state_names().empty()) return;  // never stepped, or not used
  FlatState::Entry& target = staged_[g].entries[param];
  if (rule.counts_steps()) {
    target.step = read_number(values, "step", where);
    if (!rule.product_name().empty()) {
      target.product = read_number(values, rule.product_name(), where);
      target.wide_product = groups_[g]->params()[param]->value.dtype() == DType::float64;
    }
  } else if (is_absent(values, rule.state_names().front())) {
    return;  // SGD: made at the next step
  }
  target.place = ++last_place_;
  for (std::size_t slot = 0; slot < rule.state_names().size(); ++slot) {
    if (rule.state_names()[slot].empty()) continue;
    read_tensor(values, g, param, slot, where);
  }
}

double StateReader::read_number(const Dict& values, std::string_view key,
                                const std::string& where) {
  const Value* const found = values.find(key);
  if (found == nullptr) {
    complain(where, " has no '", key, "'");
    return 0.0;
  }
  const std::optional<double> number = number_in(*found);
  if (!number || !std::isfinite(*number) || *number < 0.0) {
    complain(where, "['", key, "'] must be a number that is not negative, found ",
             found->kind_name(), number ? concat(" ", *number) : std::string());
    return 0.0;
  }
  return *number;
}

void StateReader::read_tensor(const Dict& values, std::size_t g, std::size_t param,
                              std::size_t slot, const std::string& where) {
  const std::string_view name = staged_[g].rule->state_names()[slot];
  const Value* const found = values.find(name);
  if (found == nullptr) return complain(where, " has no '", name, "'");
  if (found->kind() != Value::Kind::tensor || !found->as_tensor().defined()) {
    return complain(where, "['", name, "'] must be a tensor, found ", found->kind_name());
  }
  const Tensor& tensor = found->as_tensor();
  const Dims& shape = groups_[g]->params()[param]->value.shape();
  if (tensor.shape() != shape) {
    return complain(where, "['", name, "'] has shape ", tensor.shape(),
                    ", the parameter has shape ", shape);
  }
  if (!is_floating_point(tensor.dtype())) {
    return complain(where, "['", name, "'] must be of a floating-point dtype, found ",
                    tensor.dtype());
  }
  copies_.push_back({g, param, slot, tensor});
}

}  // namespace wick::optim
