// SPDX-License-Identifier: MIT
#include "wick/nn/composite.h"

namespace wick::nn {

std::uint64_t Composite::structure() const noexcept {
  std::uint64_t sum = structure_;
  for (const auto& [name, child] : children()) {
    if (child->is_composite()) sum += static_cast<const Composite&>(*child).structure();
  }
  for (const auto& twin : twins()) {
    if (twin->is_composite()) sum += static_cast<const Composite&>(*twin).structure();
  }
  return sum;
}

void Composite::run_forward(std::span<const Tensor> inputs, std::span<Tensor> outputs) {
  const std::uint64_t now = structure();
  if (runner_ == nullptr || runner_structure_ != now) {
    StepList steps(StepList::Purpose::training);
    describe(steps);
    runner_ = std::make_unique<StepRunner>(std::move(steps));
    runner_structure_ = now;
  }
  begin_forward();
  runner_->forward(inputs);
  for (std::size_t i = 0; i < outputs.size(); ++i) outputs[i] = runner_->output(i);
  end_forward();
}

void Composite::run_backward(std::span<const Tensor> grads, bool input_grad) {
  require_ready_for_backward();
  runner_->require_grads(type_name(), grads);
  runner_->backward(grads, input_grad);
  begin_backward();
}

Tensor Composite::forward(const Tensor& input) {
  Tensor output;
  run_forward({&input, 1}, {&output, 1});
  return output;
}

Tensor Composite::backward(const Tensor& grad_output, bool input_grad) {
  run_backward({&grad_output, 1}, input_grad);
  return input_grad ? this->input_grad(0) : Tensor();
}

bool Composite::is_ready_for_backward() const noexcept {
  return Module::is_ready_for_backward() && (runner_ == nullptr || runner_->is_ready());
}

void Composite::require_ready_for_backward() const {
  Module::require_ready_for_backward();
  if (runner_ != nullptr) runner_->require_ready();
}

void Composite::release_saved() noexcept {
  if (runner_ != nullptr) runner_->release();
}

}  // namespace wick::nn
