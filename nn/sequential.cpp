// SPDX-License-Identifier: MIT
#include "nn/sequential.h"

namespace wick::nn {

Module& Sequential::append(std::string name, std::unique_ptr<Module> module) {
  Module& child = register_child(std::move(name), std::move(module));
  const Step step{&child, dynamic_cast<Linear*>(&child), dynamic_cast<ReLU*>(&child), false};
  if (step.relu != nullptr && !steps_.empty() && steps_.back().linear != nullptr) {
    steps_.back().fused_relu_after = true;
  }
  steps_.push_back(step);
  return child;
}

Tensor Sequential::forward(const Tensor& input) {
  Tensor x = input;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    if (steps_[i].fused_relu_after) {
      x = steps_[i].linear->forward_relu(x);
      steps_[++i].relu->set_output(x);
    } else {
      x = steps_[i].module->forward(x);
    }
  }
  return x;
}

Tensor Sequential::backward(const Tensor& grad_output, bool input_grad) {
  Tensor grad = grad_output;
  for (std::size_t i = steps_.size(); i-- > 0;) {
    const Step& step = steps_[i];
    // A ReLU in front: this Linear takes its gradient along.
    if (step.linear != nullptr && i > 0 && steps_[i - 1].relu != nullptr) {
      grad = step.linear->backward_relu(grad);
      --i;
    } else {
      grad = step.module->backward(grad, input_grad || i > 0);
    }
  }
  return grad;
}

}  // namespace wick::nn
