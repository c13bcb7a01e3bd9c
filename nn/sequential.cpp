// SPDX-License-Identifier: MIT
#include "nn/sequential.h"

#include <algorithm>

#include "core/error.h"

namespace wick::nn {

Module& Sequential::append(std::string name, std::unique_ptr<Module> module) {
  Module& child = register_child(std::move(name), std::move(module));
  const Step step{&child, dynamic_cast<Linear*>(&child), dynamic_cast<ReLU*>(&child), false,
                  child.forward_count()};
  if (step.relu != nullptr && !steps_.empty() && steps_.back().linear != nullptr) {
    steps_.back().fused_relu_after = true;
  }
  steps_.push_back(step);
  return child;
}

// Whether the output of this Linear, with the ReLU that it does along, goes to one under autocast.
bool Sequential::is_for_autocast(std::size_t linear) const {
  const std::size_t next = linear + (steps_[linear].fused_relu_after ? 2 : 1);
  return next < steps_.size() && steps_[next].linear != nullptr &&
         steps_[next].linear->is_autocast();
}

Tensor Sequential::forward(const Tensor& input) {
  begin_forward();
  Tensor x = input;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    if (step.linear != nullptr) {
      x = step.linear->forward_fused(
          x, {.relu = step.fused_relu_after, .for_autocast = is_for_autocast(i)});
      if (step.fused_relu_after) steps_[++i].relu->set_output(x);
    } else {
      x = step.module->forward(x);
    }
  }
  for (Step& step : steps_) step.forward_count = step.module->forward_count();
  end_forward();
  return x;
}

bool Sequential::is_ready(const Step& step) noexcept {
  return step.module->is_ready_for_backward() && step.module->forward_count() == step.forward_count;
}

bool Sequential::is_ready_for_backward() const noexcept {
  return Module::is_ready_for_backward() && std::ranges::all_of(steps_, is_ready);
}

void Sequential::require_ready_for_backward(const std::string& path) const {
  Module::require_ready_for_backward(path);
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    if (is_ready(steps_[i])) continue;
    const Module& child = *steps_[i].module;
    const std::string name = concat(path, path.empty() ? "" : ".", children()[i].first);
    if (!child.is_ready_for_backward()) child.require_ready_for_backward(name);
    throw ValueError(concat(child.type_name(), " \"", name,
                            "\": backward() after a forward() of this layer alone, which has "
                            "replaced what the whole network's saved; call the network's forward() "
                            "again before it"));
  }
}

Tensor Sequential::backward(const Tensor& grad_output, bool input_grad) {
  require_ready_for_backward();
  Tensor grad = grad_output;
  for (std::size_t i = steps_.size(); i-- > 0;) {
    const Step& step = steps_[i];
    // A ReLU in front: this Linear takes its gradient along.
    if (step.linear != nullptr && i > 0 && steps_[i - 1].relu != nullptr) {
      const bool has_bits = i > 1 && steps_[i - 2].fused_relu_after;
      grad =
          step.linear->backward_relu(grad, has_bits ? &steps_[i - 2].linear->relu_bits() : nullptr);
      --i;
    } else {
      grad = step.module->backward(grad, input_grad || i > 0);
    }
  }
  begin_backward();
  return grad;
}

}  // namespace wick::nn
