// SPDX-License-Identifier: MIT
// State dictionaries of modules.
#include <set>
#include <unordered_map>

#include "core/overlap.h"
#include "wick/core/error.h"
#include "wick/nn/module.h"

namespace wick::nn {
namespace {

std::string path_of(const std::string& prefix) {
  return prefix.empty() ? "" : prefix.substr(0, prefix.size() - 1);
}

// What `_metadata` says of a module, where it says anything.
std::optional<std::int64_t> version_of(const StateDict& state, const std::string& prefix) {
  if (state.metadata() == nullptr) return std::nullopt;
  const Value path(path_of(prefix));
  const Value* const entry = state.metadata()->find(path);
  if (entry == nullptr || entry->kind() != Value::Kind::dict || !entry->contains("version") ||
      entry->at("version").kind() != Value::Kind::integer) {
    return std::nullopt;
  }
  return entry->at("version").as_int();
}

}  // namespace

// Calls visitor(module, prefix, name, tensor, parameter) for all that is saved; the parameter of a
// buffer is null.
template <typename Visitor>
void Module::visit_state(const std::string& prefix, Visitor&& visitor) const {
  for (const auto& [name, parameter] : parameters_) {
    visitor(*this, prefix, name, parameter->value, parameter);
  }
  for (const auto& [name, buffer, persistent] : buffers_) {
    if (persistent && buffer->defined()) visitor(*this, prefix, name, *buffer, ParameterPtr());
  }
  for (const auto& [name, child] : children_) child->visit_state(prefix + name + ".", visitor);
}

StateDict Module::state_dict(bool keep_vars) const {
  StateDict state;
  visit_state("", [&](const Module&, const std::string& prefix, const std::string& name,
                      Tensor tensor, const ParameterPtr& parameter) {
    tensor.set_requires_grad(keep_vars && parameter != nullptr && parameter->requires_grad);
    state.set(prefix + name, std::move(tensor));
  });
  auto metadata = std::make_shared<Dict>(Dict::Type::ordered_dict);
  add_metadata("", *metadata);
  state.set_metadata(std::move(metadata));
  return state;
}

void Module::add_metadata(const std::string& prefix, Dict& metadata) const {
  metadata.set(path_of(prefix), Dict{{"version", state_version()}});
  for (const auto& [name, child] : children_) child->add_metadata(prefix + name + ".", metadata);
}

void Module::load_requires_grad(const StateDict& state) const {
  visit_state("", [&](const Module&, const std::string& prefix, const std::string& name,
                      const Tensor&, const ParameterPtr& parameter) {
    const Tensor* const given = state.find(prefix + name);
    if (given != nullptr && parameter != nullptr) parameter->requires_grad = given->requires_grad();
  });
}

namespace {

// Where a given tensor lies in memory that loading overwrites before it is read, or in another
// layout than its target: lines for a StateDictError's list, each with its line break in front.
std::string describe_overlaps(const StateDict& own, const StateDict& state) {
  struct Target {
    const std::string* name;
    const Tensor* tensor;
    const Tensor* given;  // null where nothing is copied to it
    std::size_t position;
  };
  // By the storages of the module: nearly all states lie in others.
  std::unordered_multimap<const Storage*, Target> targets;
  std::size_t position = 0;
  for (const auto& [name, tensor] : own) {
    targets.emplace(tensor.storage().get(), Target{&name, &tensor, state.find(name), position++});
  }
  std::string lines;
  position = 0;
  for (const auto& [name, tensor] : own) {
    const std::size_t here = position++;
    const Tensor* const given = state.find(name);
    if (given == nullptr) continue;
    const auto [first, last] = targets.equal_range(given->storage().get());
    for (auto it = first; it != last; ++it) {
      const Target& target = it->second;
      if (target.given == nullptr || target.position > here) continue;
      const Overlap overlap = overlap_of(*target.tensor, *given);
      const bool changes = target.position == here
                               ? overlap == Overlap::partial
                               : overlap != Overlap::none &&
                                     overlap_of(*target.tensor, *target.given) != Overlap::same;
      if (changes) {
        lines += concat("\n  \"", name, "\" shares memory with the module's own \"", *target.name,
                        "\", which loading overwrites; clone() it first");
      }
    }
  }
  return lines;
}

}  // namespace

LoadReport Module::load_state_dict(const StateDict& state, bool strict) {
  const StateDict own = state_dict();
  std::set<std::string> excused;  // keys that a state of this version may lack
  visit_state("", [&](const Module& module, const std::string& prefix, const std::string& name,
                      const Tensor&, const ParameterPtr&) {
    if (!state.contains(prefix + name) && module.may_lack(name, version_of(state, prefix))) {
      excused.insert(prefix + name);
    }
  });
  LoadReport report;
  std::string problems;
  for (const auto& [name, tensor] : own) {
    const Tensor* const given = state.find(name);
    if (given == nullptr) {
      if (excused.contains(name)) continue;
      report.missing_keys.push_back(name);
      if (strict) problems += concat("\n  missing key \"", name, "\" of shape ", tensor.shape());
    } else {
      problems += describe_misfit(name, *given, tensor);
    }
  }
  problems += describe_overlaps(own, state);
  for (const auto& [name, tensor] : state) {
    if (own.contains(name)) continue;
    report.unexpected_keys.push_back(name);
    if (strict) problems += concat("\n  unexpected key \"", name, "\" of shape ", tensor.shape());
  }
  if (!problems.empty()) {
    throw StateDictError(concat("load_state_dict: the state does not fit this ", type_name(),
                                "; nothing was changed:", problems));
  }
  drop_saved();
  for (const auto& [name, tensor] : own) {
    if (const Tensor* const given = state.find(name)) tensor.copy_(*given);
  }
  return report;
}

}  // namespace wick::nn
