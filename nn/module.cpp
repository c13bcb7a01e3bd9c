// SPDX-License-Identifier: MIT
#include "wick/nn/module.h"

#include <algorithm>
#include <unordered_set>

#include "wick/core/error.h"

namespace wick::nn {

Module::~Module() = default;

Module::Module(const Module& other, ModuleCopier& copier)
    : training_(other.training_), autocast_dtype_(other.autocast_dtype_) {
  for (const auto& [name, parameter] : other.parameters_) {
    parameters_.emplace_back(name, copier(parameter));
  }
  for (const auto& [name, buffer, persistent] : other.buffers_) {
    buffers_.push_back({name, copier(buffer), persistent});
  }
  for (const auto& [name, child] : other.children_) {
    children_.emplace_back(name, child->copy(copier));
  }
  for (const auto& twin : other.twins_) twins_.push_back(twin->copy(copier));
}

std::unique_ptr<Module> Module::copy(ModuleCopier& /*copier*/) const {
  throw ValueError(concat(type_name(),
                          ": clone() and share() need a module that says how it is copied; "
                          "override copy()"));
}

std::unique_ptr<Module> Module::clone() const {
  ModuleCopier copier(ModuleCopier::Depth::deep);
  return copy(copier);
}

std::unique_ptr<Module> Module::share() const {
  ModuleCopier copier(ModuleCopier::Depth::shared);
  return copy(copier);
}

ValueId Module::append_steps(StepList& steps, ValueId x) const {
  return steps.opaque(x);
}

void Module::describe(StepList& steps) const {
  const ValueId x = steps.input();
  steps.output(steps.module("", *this, x));
}

// Calls visitor(module, prefix) for this module and all below it, parents first.
template <typename Visitor>
void Module::visit(const std::string& prefix, Visitor&& visitor) const {
  visitor(*this, prefix);
  for (const auto& [name, child] : children_) child->visit(prefix + name + ".", visitor);
}

template <typename Visitor>
void Module::visit_children(Visitor&& visitor) const {
  for (const auto& [name, child] : children_) visitor(*child);
  for (const auto& twin : twins_) visitor(*twin);
}

void Module::require_new_name(const std::string& name) const {
  if (name.empty() || name.find('.') != std::string::npos) {
    throw ValueError(concat(type_name(), ": \"", name, "\" is no name: empty or with a dot"));
  }
  const auto same = [&name](const auto& entry) { return entry.first == name; };
  if (std::ranges::any_of(parameters_, same) || std::ranges::any_of(children_, same) ||
      std::ranges::find(buffers_, name, &OwnBuffer::name) != buffers_.end()) {
    throw ValueError(concat(type_name(), ": the name \"", name, "\" is taken"));
  }
}

ParameterPtr Module::register_parameter(std::string name, Tensor value) {
  require_new_name(name);
  return register_parameter(std::move(name), make_parameter(std::move(value)));
}

ParameterPtr Module::register_parameter(std::string name, ParameterPtr parameter) {
  require_new_name(name);
  if (parameter == nullptr) {
    throw ValueError(concat(type_name(), ": parameter \"", name, "\" is null"));
  }
  parameters_.emplace_back(std::move(name), std::move(parameter));
  return parameters_.back().second;
}

BufferPtr Module::register_buffer(std::string name, Tensor value, bool persistent) {
  require_new_name(name);
  auto buffer = std::make_shared<Tensor>(std::move(value));
  buffers_.push_back({std::move(name), buffer, persistent});
  return buffer;
}

Module& Module::register_child(std::string name, std::unique_ptr<Module> child) {
  require_new_name(name);
  if (child == nullptr) throw ValueError(concat(type_name(), ": child \"", name, "\" is null"));
  children_.emplace_back(std::move(name), std::move(child));
  return *children_.back().second;
}

Module& Module::register_twin(std::unique_ptr<Module> twin) {
  if (twin == nullptr) throw ValueError(concat(type_name(), ": register_twin() got null"));
  twins_.push_back(std::move(twin));
  return *twins_.back();
}

std::vector<Module::NamedParameter> Module::named_parameters() const {
  std::vector<NamedParameter> result;
  std::unordered_set<const Parameter*> seen;
  visit("", [&](const Module& module, const std::string& prefix) {
    for (const auto& [name, parameter] : module.parameters_) {
      if (seen.insert(parameter.get()).second) result.emplace_back(prefix + name, parameter);
    }
  });
  return result;
}

std::vector<ParameterPtr> Module::parameters() const {
  std::vector<ParameterPtr> result;
  for (auto& [name, parameter] : named_parameters()) result.push_back(std::move(parameter));
  return result;
}

std::vector<Module::NamedBuffer> Module::named_buffers() const {
  std::vector<NamedBuffer> result;
  std::unordered_set<const Tensor*> seen;
  visit("", [&](const Module& module, const std::string& prefix) {
    for (const OwnBuffer& own : module.buffers_) {
      if (seen.insert(own.buffer.get()).second) result.emplace_back(prefix + own.name, own.buffer);
    }
  });
  return result;
}

std::vector<BufferPtr> Module::buffers() const {
  std::vector<BufferPtr> result;
  for (auto& [name, buffer] : named_buffers()) result.push_back(std::move(buffer));
  return result;
}

std::vector<Module::NamedModule> Module::named_modules() {
  std::vector<NamedModule> result = {{"", this}};
  for (const auto& [name, child] : children_) {
    for (const auto& [path, module] : child->named_modules()) {
      result.emplace_back(path.empty() ? name : concat(name, '.', path), module);
    }
  }
  return result;
}

void Module::apply(const std::function<void(Module&)>& function) {
  visit_children([&function](Module& child) { child.apply(function); });
  function(*this);
}

void Module::zero_grad() const {
  for (const ParameterPtr& parameter : parameters()) parameter->has_grad = false;
}

void Module::requires_grad_(bool requires_grad) const {
  for (const ParameterPtr& parameter : parameters()) parameter->requires_grad = requires_grad;
}

bool Module::has_mode(bool training) const {
  bool has = training_ == training;
  visit_children([&](const Module& child) { has = has && child.has_mode(training); });
  return has;
}

void Module::set_training(bool on) {
  training_ = on;
  visit_children([on](Module& child) { child.set_training(on); });
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

void Module::end_forward() noexcept {
  saved_ = is_grad_enabled() ? Saved::ready : Saved::no_grad;
  if (saved_ == Saved::no_grad) release_saved();
}

void Module::drop_saved() {
  if (saved_ != Saved::nothing) saved_ = Saved::dropped;
  release_saved();
  visit_children([](Module& child) { child.drop_saved(); });
}

void Module::autocast(DType dtype) {
  if (dtype != DType::float32 && dtype != DType::bfloat16) {
    throw DTypeError(concat("Module::autocast: takes bfloat16, or float32 for none, not ", dtype));
  }
  autocast_dtype_ = dtype;
  visit_children([dtype](Module& child) { child.autocast(dtype); });
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
  for (const OwnBuffer& own : buffers_) {
    if (own.buffer->defined()) *own.buffer = own.buffer->to(device);
  }
  for (const auto& [name, child] : children_) child->to(device);
}

void Module::to(DType dtype) {
  if (!is_floating_point(dtype)) {
    throw DTypeError(concat("Module::to: parameters must be floating-point, not ", dtype));
  }
  drop_saved();
  for (const auto& [name, parameter] : parameters_) convert(*parameter, dtype);
  for (const OwnBuffer& own : buffers_) {
    Tensor& buffer = *own.buffer;
    if (buffer.defined() && is_floating_point(buffer.dtype())) buffer = buffer.to(dtype);
  }
  for (const auto& [name, child] : children_) child->to(dtype);
}

}  // namespace wick::nn
