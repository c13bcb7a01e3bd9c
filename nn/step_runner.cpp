// SPDX-License-Identifier: MIT
#include "wick/nn/step_runner.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/nn/fusion.h"
#include "wick/nn/module.h"
#include "wick/nn/saved_tensor.h"

namespace wick::nn {
namespace {

// The steps of a network are of modules that it owns.
Module& module_of(const Step& step) {
  return const_cast<Module&>(*step.module);  // NOLINT(*-const-cast)
}

FusibleProduct* product_of(const Step& step) {
  return step.module == nullptr ? nullptr : module_of(step).fusible_product();
}

FusibleActivation* activation_of(const Step& step) {
  return step.module == nullptr ? nullptr : module_of(step).fusible_activation();
}

std::size_t at(ValueId id) {
  return static_cast<std::size_t>(id);
}

}  // namespace

StepRunner::StepRunner(StepList steps)
    : list_(std::move(steps)),
      states_(list_.steps().size()),
      values_(at(list_.value_count())),
      results_(at(list_.value_count())),
      grads_(at(list_.value_count())),
      sums_(at(list_.value_count())),
      parts_(list_.steps().size()),
      needed_(at(list_.value_count())),
      reached_(at(list_.value_count())) {
  if (list_.outputs().empty()) throw ValueError("StepRunner: the network has no output");
  std::unordered_set<const Module*> seen;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const Step& step = list_.steps()[i];
    parts_[i].resize(step.inputs.size());
    if (step.module == nullptr) continue;
    if (!seen.insert(step.module).second) {
      throw ValueError(concat(step.path, ": ", step.module->description(),
                              " does two steps of one network, but saves for one backward(); "
                              "use Graph::again() or its share() for the second"));
    }
    states_[i].parameters = step.module->parameters();
  }
  const std::vector<std::size_t> only_users = list_.only_users();
  for (std::size_t i = 0; i < states_.size(); ++i) {
    states_[i].next = only_users[at(list_.steps()[i].output)];
  }
  fuse();
  find_shared();
}

void StepRunner::find_shared() {
  std::unordered_map<const Parameter*, std::vector<std::size_t>> uses;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    for (const ParameterPtr& each : states_[i].parameters) uses[each.get()].push_back(i);
  }
  for (const State& state : states_) {
    for (const ParameterPtr& each : state.parameters) {
      auto found = uses.find(each.get());
      if (found == uses.end() || found->second.size() < 2) continue;
      shared_.push_back({each, std::move(found->second)});
      uses.erase(found);
    }
  }
}

void StepRunner::fuse() {
  const std::vector<Step>& steps = list_.steps();
  for (std::size_t first = 0; first < steps.size(); ++first) {
    const std::size_t second = states_[first].next;
    if (second == kNone) continue;
    if (product_of(steps[first]) != nullptr && activation_of(steps[second]) != nullptr &&
        find_fusion_rule(FusedPass::forward, steps[first], steps[second])) {
      states_[first].activation_behind = second;
      states_[second].product_before = first;
    }
    if (product_of(steps[second]) != nullptr && activation_of(steps[first]) != nullptr &&
        find_fusion_rule(FusedPass::backward, steps[first], steps[second])) {
      states_[second].activation_before = first;
      states_[first].product_behind = second;
    }
  }
}

// Whether the output goes to a product with operands of bfloat16 and nowhere else.
bool StepRunner::feeds_autocast(const State& state) const {
  if (state.next == kNone) return false;
  const FusibleProduct* const product = product_of(list_.steps()[state.next]);
  return product != nullptr && product->is_autocast();
}

template <typename Work>
void StepRunner::with_path(std::size_t i, Work&& work) const {
  try {
    work();
  } catch (Error& error) {
    error.add_where(list_.steps()[i].path);
    throw;
  }
}

void StepRunner::forward(std::span<const Tensor> inputs) {
  if (inputs.size() != list_.inputs().size()) {
    throw ValueError(
        concat("forward: the network has ", list_.inputs().size(), " inputs, got ", inputs.size()));
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) values_[at(list_.inputs()[i])] = inputs[i];
  for (std::size_t i = 0; i < states_.size(); ++i) with_path(i, [&] { run_forward(i); });
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const Module* const module = list_.steps()[i].module;
    if (module != nullptr) states_[i].forward_count = module->forward_count();
  }
}

void StepRunner::run_forward(std::size_t i) {
  const Step& step = list_.steps()[i];
  const State& state = states_[i];
  if (state.product_before != kNone) return;
  if (step.module == nullptr) return run_operation(step);
  const Tensor& x = value(step.inputs.front());
  FusibleProduct* const product = product_of(step);
  if (product == nullptr) {
    values_[at(step.output)] = module_of(step).forward(x);
    return;
  }
  const bool fused = state.activation_behind != kNone;
  const std::size_t end = fused ? state.activation_behind : i;
  const Step& last = list_.steps()[end];
  const Tensor& y = values_[at(last.output)] =
      product->forward_fused(x, {.relu = fused, .for_autocast = feeds_autocast(states_[end])});
  if (fused) activation_of(last)->set_output(y);
}

bool StepRunner::is_ready(std::size_t i) const noexcept {
  const Module* const module = list_.steps()[i].module;
  return module == nullptr ||
         (module->is_ready_for_backward() && module->forward_count() == states_[i].forward_count);
}

bool StepRunner::is_ready() const noexcept {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (!is_ready(i)) return false;
  }
  return true;
}

void StepRunner::require_ready() const {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (is_ready(i)) continue;
    const Module& module = *list_.steps()[i].module;
    with_path(i, [&] {
      if (!module.is_ready_for_backward()) module.require_ready_for_backward();
      throw ValueError(concat(module.description(),
                              ": backward() after a forward() of this layer alone, which has "
                              "replaced what the whole network's saved; call the network's "
                              "forward() again before it"));
    });
  }
}

void StepRunner::require_grads(std::string_view owner, std::span<const Tensor> grads) const {
  if (grads.size() != list_.outputs().size()) {
    throw ValueError(concat(owner, ": the network has ", list_.outputs().size(),
                            " outputs, backward() got ", grads.size(), " gradients"));
  }
  for (std::size_t i = 0; i < grads.size(); ++i) {
    if (grads[i].defined() && grads[i].shape() != output(i).shape()) {
      throw ShapeError(concat(owner, ": the last forward() gave shape ", output(i).shape(),
                              ", backward() got the gradient ", grads[i]));
    }
  }
}

// A gradient by a value is wanted where parameters, or inputs whose gradients are, stand before it.
void StepRunner::find_needed(bool input_grad) {
  std::ranges::fill(needed_, std::uint8_t{0});
  for (const ValueId input : list_.inputs()) needed_[at(input)] = input_grad ? 1 : 0;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const Step& step = list_.steps()[i];
    const bool needed =
        std::ranges::any_of(step.inputs, [this](ValueId id) { return is_needed(id); }) ||
        std::ranges::any_of(states_[i].parameters,
                            [](const ParameterPtr& each) { return each->requires_grad; });
    needed_[at(step.output)] = needed ? 1 : 0;
  }
}

// A step runs backward where one of the outputs with a gradient depends on it.
void StepRunner::find_reached(std::span<const Tensor> grads) {
  std::ranges::fill(reached_, std::uint8_t{0});
  for (std::size_t i = 0; i < grads.size(); ++i) {
    if (grads[i].defined()) reached_[at(list_.outputs()[i])] = 1;
  }
  for (std::size_t i = states_.size(); i-- > 0;) {
    const Step& step = list_.steps()[i];
    if (reached_[at(step.output)] == 0) continue;
    for (const ValueId input : step.inputs) {
      if (is_needed(input)) reached_[at(input)] = 1;
    }
  }
}

bool StepRunner::runs_backward(std::size_t i) const {
  const ValueId output = list_.steps()[i].output;
  return is_needed(output) && reached_[at(output)] != 0;
}

void StepRunner::announce_grad_parts() {
  for (const Shared& shared : shared_) {
    const auto parts =
        std::ranges::count_if(shared.steps, [this](std::size_t i) { return runs_backward(i); });
    shared.parameter->grad_parts_left = std::max(static_cast<int>(parts) - 1, 0);
  }
}

void StepRunner::forget_grad_parts() noexcept {
  for (const Shared& shared : shared_) shared.parameter->grad_parts_left = 0;
}

void StepRunner::require_intact(std::size_t i) const {
  const Step& step = list_.steps()[i];
  if (step.module != nullptr) {
    step.module->require_saved_intact(is_needed(step.inputs.front()));
    return;
  }
  if (step.kind != StepKind::multiply) return;
  for (std::size_t operand = 0; operand < 2; ++operand) {
    const Tensor& saved = value(step.inputs[operand]);
    if (!is_needed(step.inputs[1 - operand])) continue;
    const std::uint64_t version = states_[i].operand_versions[operand];
    if (version != saved.storage()->version()) {
      refuse_overwritten("multiply", operand == 0 ? "first operand" : "second operand", saved,
                         version);
    }
  }
}

void StepRunner::backward(std::span<const Tensor> grads, bool input_grad) {
  find_needed(input_grad);
  find_reached(grads);
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (runs_backward(i)) with_path(i, [&] { require_intact(i); });
  }
  announce_grad_parts();
  // Also where a step throws: the parameters may be used outside this network.
  class Forget {
   public:
    explicit Forget(StepRunner& runner) : runner_(runner) {}
    Forget(const Forget&) = delete;
    Forget& operator=(const Forget&) = delete;
    ~Forget() { runner_.forget_grad_parts(); }

   private:
    StepRunner& runner_;
  };
  const Forget forget(*this);
  for (Tensor& gradient : grads_) gradient = Tensor();
  for (std::size_t i = 0; i < grads.size(); ++i) {
    if (grads[i].defined()) contribute(list_.outputs()[i], grads[i]);
  }
  for (std::size_t i = states_.size(); i-- > 0;) with_path(i, [&] { run_backward(i); });
}

void StepRunner::run_backward(std::size_t i) {
  const Step& step = list_.steps()[i];
  const Tensor& gradient = grad(step.output);
  if (!is_needed(step.output) || !gradient.defined()) return;
  if (step.module == nullptr) return differentiate_operation(step);
  const State& state = states_[i];
  if (state.product_behind != kNone) return;
  const ValueId input = step.inputs.front();
  if (state.activation_before == kNone) {
    const Tensor result = module_of(step).backward(gradient, is_needed(input));
    if (is_needed(input)) contribute(input, result);
    return;
  }
  const std::size_t before = state.activation_before;
  const Step& activation = list_.steps()[before];
  const ValueId source = activation.inputs.front();
  if (!is_needed(source)) {
    static_cast<void>(module_of(step).backward(gradient, false));
    return;
  }
  // The bits are there where the product in front of the activation has left them.
  ops::ReluBits* bits = nullptr;
  if (const std::size_t product = states_[before].product_before; product != kNone) {
    bits = &product_of(list_.steps()[product])->relu_bits();
  }
  contribute(source, product_of(step)->backward_relu(gradient, bits));
}

void StepRunner::contribute(ValueId id, const Tensor& gradient) {
  Tensor& sum = grads_[at(id)];
  if (!sum.defined()) {
    sum = gradient;
    return;
  }
  // Never in place at first: the gradient that is there may be somebody else's, too.
  const Tensor& out = sums_[at(id)].like(gradient);
  ops::add(sum, gradient, out);
  sum = out;
}

void StepRunner::release() noexcept {
  for (Tensor& each : values_) each = Tensor();
  for (Tensor& each : grads_) each = Tensor();
}

}  // namespace wick::nn
