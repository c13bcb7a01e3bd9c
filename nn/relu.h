// SPDX-License-Identifier: MIT
// Rectified linear unit.
#pragma once

#include "nn/fusion.h"
#include "nn/module.h"
#include "nn/scratch.h"

namespace wick::nn {

/// torch.nn.ReLU: y = max(x, 0), for contiguous tensors of any shape; NaN passes through. The
/// gradient at 0 is 0.
class ReLU final : public Module, public FusibleActivation {
 public:
  ReLU() = default;
  ReLU(const ReLU& other, ModuleCopier& copier) : Module(other, copier) {}

  [[nodiscard]] std::string_view type_name() const noexcept override { return "ReLU"; }
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;

  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override {
    return std::make_unique<ReLU>(*this, copier);
  }
  [[nodiscard]] ValueId append_steps(StepList& steps, ValueId x) const override {
    return steps.relu(x);
  }
  [[nodiscard]] FusibleActivation* fusible_activation() noexcept override { return this; }
  void set_output(const Tensor& output) override;

 protected:
  void release_saved() noexcept override { output_ = Tensor(); }

 private:
  Tensor output_;
  Scratch buffer_;
  Scratch grad_input_;
};

}  // namespace wick::nn
