// SPDX-License-Identifier: MIT
#include "nn/module.h"

#include <algorithm>
#include <unordered_map>

#include "core/error.h"
#include "core/overlap.h"

namespace wick::nn {

// Calls visitor(module, prefix) for this module and all below it, parents first.
template <typename Visitor>
void Module::visit(const std::string& prefix, Visitor&& visitor) const {
  visitor(*this, prefix);
  for (const auto& [name, child] : children_) child->visit(prefix + name + ".", visitor);
}

void Module::require_new_name(const std::string& name) const {
  if (name.empty() || name.find('.') != std::string::npos) {
    throw ValueError(concat(type_name(), ": \"", name, "\" is no name: empty or with a dot"));
  }
  const auto same = [&name](const auto& entry) { return entry.first == name; };
  if (std::ranges::any_of(parameters_, same) || std::ranges::any_of(buffers_, same) ||
      std::ranges::any_of(children_, same)) {
    throw ValueError(concat(type_name(), ": the name \"", name, "\" is taken"));
  }
}

ParameterPtr Module::register_parameter(std::string name, Tensor value) {
  require_new_name(name);
  parameters_.emplace_back(std::move(name), make_parameter(std::move(value)));
  return parameters_.back().second;
}

void Module::register_buffer(std::string name, Tensor value) {
  require_new_name(name);
  buffers_.emplace_back(std::move(name), std::move(value));
}

Module& Module::register_child(std::string name, std::unique_ptr<Module> child) {
  require_new_name(name);
  if (child == nullptr) throw ValueError(concat(type_name(), ": child \"", name, "\" is null"));
  children_.emplace_back(std::move(name), std::move(child));
  return *children_.back().second;
}

std::vector<Module::NamedParameter> Module::named_parameters() const {
  std::vector<NamedParameter> result;
  visit("", [&result](const Module& module, const std::string& prefix) {
    for (const auto& [name, parameter] : module.parameters_) {
      result.emplace_back(prefix + name, parameter);
    }
  });
  return result;
}

std::vector<ParameterPtr> Module::parameters() const {
  std::vector<ParameterPtr> result;
  for (auto& [name, parameter] : named_parameters()) result.push_back(std::move(parameter));
  return result;
}

void Module::zero_grad() const {
  for (const ParameterPtr& parameter : parameters()) parameter->has_grad = false;
}

StateDict Module::state_dict() const {
  StateDict state;
  auto metadata = std::make_shared<Dict>(Dict::Type::ordered_dict);
  visit("", [&](const Module& module, const std::string& prefix) {
    for (const auto& [name, parameter] : module.parameters_) {
      state.set(prefix + name, parameter->value);
    }
    for (const auto& [name, buffer] : module.buffers_) state.set(prefix + name, buffer);
    const std::string path = prefix.empty() ? "" : prefix.substr(0, prefix.size() - 1);
    metadata->set(path, Dict{{"version", 1}});
  });
  state.set_metadata(std::move(metadata));
  return state;
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
  LoadReport report;
  std::string problems;
  for (const auto& [name, tensor] : own) {
    const Tensor* const given = state.find(name);
    if (given == nullptr) {
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

bool Module::has_mode(bool training) const {
  return training_ == training &&
         std::ranges::all_of(children_, [training](const NamedChild& entry) {
           return entry.second->has_mode(training);
         });
}

void Module::set_training(bool on) {
  training_ = on;
  for (const auto& [name, child] : children_) child->set_training(on);
}

void Module::train(bool on) {
  if (has_mode(on)) return;
  drop_saved();
  set_training(on);
}

void Module::begin_forward() noexcept {
  saved_ = Saved::dropped;
  ++forward_count_;
}

void Module::drop_saved() {
  if (saved_ != Saved::nothing) saved_ = Saved::dropped;
  release_saved();
  for (const auto& [name, child] : children_) child->drop_saved();
}

bool Module::is_ready_for_backward() const noexcept {
  return saved_ == Saved::ready || forward_count_ == 0;
}

void Module::require_ready_for_backward(const std::string& path) const {
  if (saved_ == Saved::ready) return;
  const std::string who =
      path.empty() ? std::string(type_name()) : concat(type_name(), " \"", path, '"');
  switch (saved_) {
    case Saved::nothing:
      throw ValueError(concat(who, ": backward() before any forward(); call forward() first"));
    case Saved::used:
      throw ValueError(concat(who,
                              ": a second backward() after one forward(), whose values the first "
                              "has used up; call forward() again before it"));
    default:
      throw ValueError(
          concat(who,
                 ": backward() without the values of a forward(): train(), eval(), "
                 "to(), load_state_dict() or a forward() that failed has dropped them; "
                 "call forward() again before it"));
  }
}

void Module::autocast(DType dtype) {
  if (dtype != DType::float32 && dtype != DType::bfloat16) {
    throw DTypeError(concat("Module::autocast: takes bfloat16, or float32 for none, not ", dtype));
  }
  autocast_dtype_ = dtype;
  for (const auto& [name, child] : children_) child->autocast(dtype);
}

namespace {

template <typename Target>
void convert(Parameter& parameter, Target target) {
  parameter.value = parameter.value.to(target);
  parameter.grad = parameter.grad.to(target);
}

}  // namespace

void Module::to(Device device) {
  drop_saved();
  for (const auto& [name, parameter] : parameters_) convert(*parameter, device);
  for (auto& [name, buffer] : buffers_) buffer = buffer.to(device);
  for (const auto& [name, child] : children_) child->to(device);
}

void Module::to(DType dtype) {
  if (!is_floating_point(dtype)) {
    throw DTypeError(concat("Module::to: parameters must be floating-point, not ", dtype));
  }
  drop_saved();
  for (const auto& [name, parameter] : parameters_) convert(*parameter, dtype);
  for (auto& [name, buffer] : buffers_) {
    if (is_floating_point(buffer.dtype())) buffer = buffer.to(dtype);
  }
  for (const auto& [name, child] : children_) child->to(dtype);
}

}  // namespace wick::nn
