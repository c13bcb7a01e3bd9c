// SPDX-License-Identifier: MIT
// PReLU.
#pragma once

#include "wick/core/compiler.h"
#include "wick/nn/module.h"
#include "wick/nn/scratch.h"

namespace wick::nn {

struct PReLUOptions {
  DType dtype = DType::float32;
  Device device = kCpu;
};

/// torch.nn.PReLU: x, or weight * x where x is not above 0, with the parameter `weight`
/// (num_parameters): one for all, or one for each channel of inputs (N, C, ...) (He et al. 2015).
/// Contiguous tensors, float32 or float64.
class WICK_API PReLU final : public Module {
 public:
  /// Throws ValueError unless num_parameters is positive.
  explicit PReLU(std::int64_t num_parameters = 1, double init = 0.25,
                 const PReLUOptions& options = {});
  PReLU(const PReLU& other, ModuleCopier& copier);

  [[nodiscard]] std::string_view type_name() const noexcept override { return "PReLU"; }
  [[nodiscard]] std::string extra_repr() const override;
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
  [[nodiscard]] std::int64_t num_parameters() const { return weight_->value.numel(); }
  [[nodiscard]] const ParameterPtr& weight() const noexcept { return weight_; }

  [[nodiscard]] Tensor forward(const Tensor& input) override;
  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;

 protected:
  void release_saved() noexcept override { input_ = Tensor(); }
  void require_saved_intact(bool input_grad) const override {
    if (input_grad || weight_->requires_grad) require_intact(input_, "input");
  }

 private:
  ParameterPtr weight_;
  SavedTensor input_;  // of the last forward()
  Scratch output_;
  Scratch grad_input_;
};

}  // namespace wick::nn
