// SPDX-License-Identifier: MIT
// Fully connected layer.
#pragma once

#include "wick/core/compiler.h"
#include "wick/core/random.h"
#include "wick/nn/fusion.h"
#include "wick/nn/module.h"
#include "wick/nn/scratch.h"

namespace wick::nn {

struct LinearOptions {
  bool bias = true;
  DType dtype = DType::float32;
  Device device = kCpu;
};

/// torch.nn.Linear: y = x Wᵀ + b for x of shape (..., in_features), with parameters `weight`
/// (out_features, in_features) and `bias` (out_features).
///
/// Under autocast (Module::autocast) the weight is rounded anew in each forward(), and input and
/// gradient where they are not bfloat16 already; a layer takes both dtypes. The gradient by the
/// input has the input's dtype.
class WICK_API Linear final : public Module, public FusibleProduct {
 public:
  /// Draws the initial weights from `generator` as PyTorch does (init::linear_).
  /// Throws ValueError for a negative size.
  Linear(std::int64_t in_features, std::int64_t out_features, Generator& generator,
         const LinearOptions& options = {});
  /// Draws them from the default generator of the device.
  Linear(std::int64_t in_features, std::int64_t out_features, const LinearOptions& options = {})
      : Linear(in_features, out_features, default_generator(options.device), options) {}

  Linear(const Linear& other, ModuleCopier& copier);

  [[nodiscard]] std::string_view type_name() const noexcept override { return "Linear"; }
  [[nodiscard]] std::string description() const override;
  [[nodiscard]] std::string extra_repr() const override;
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
  [[nodiscard]] ValueId append_steps(StepList& steps, ValueId x) const override {
    return steps.linear(x, weight_, bias_);
  }
  [[nodiscard]] FusibleProduct* fusible_product() noexcept override { return this; }
  [[nodiscard]] std::int64_t in_features() const { return weight_->value.size(1); }
  [[nodiscard]] std::int64_t out_features() const { return weight_->value.size(0); }
  [[nodiscard]] const ParameterPtr& weight() const noexcept { return weight_; }
  /// Null where the layer has none.
  [[nodiscard]] const ParameterPtr& bias() const noexcept { return bias_; }

  /// (..., in_features) to (..., out_features).
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;

  [[nodiscard]] Tensor forward_fused(const Tensor& input, const Epilogue& more) override;
  [[nodiscard]] Tensor backward_relu(const Tensor& grad_output,
                                     ops::ReluBits* bits = nullptr) override;
  void require_saved_intact(bool input_grad) const override;
  [[nodiscard]] ops::ReluBits& relu_bits() noexcept override { return relu_bits_; }
  [[nodiscard]] bool is_autocast() const override {
    return autocast_dtype() == DType::bfloat16 && weight_->value.dtype() == DType::float32;
  }

 protected:
  void release_saved() noexcept override;

 private:
  enum class InputGrad { none, plain, through_relu };
  [[nodiscard]] Tensor differentiate(const Tensor& grad_output, InputGrad wanted,
                                     ops::ReluBits* bits);
  void check_input(const Tensor& input) const;
  void differentiate_parameters(const Tensor& grad);

  ParameterPtr weight_;
  ParameterPtr bias_;
  SavedTensor input_;  // of the last forward(), as a matrix
  Dims input_shape_;   // its shape before that
  Scratch output_;
  Scratch grad_input_;
  ops::ReluBits relu_bits_;
  // Under autocast, in bfloat16: operands of the last forward() and of backward().
  bool was_autocast_ = false;  // in the last forward()
  SavedTensor input_operand_;
  Tensor weight_operand_;
  Scratch input_cast_;
  Scratch weight_cast_;
  Scratch bias_cast_;
  Scratch grad_cast_;
  Scratch grad_wide_;
};

}  // namespace wick::nn
