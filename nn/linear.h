// SPDX-License-Identifier: MIT
// Fully connected layer.
#pragma once

#include "core/ops.h"
#include "core/random.h"
#include "nn/buffer.h"
#include "nn/module.h"

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
class Linear final : public Module {
 public:
  /// Draws the initial weights from `generator` as PyTorch does (init::linear_).
  /// Throws ValueError for a negative size.
  Linear(std::int64_t in_features, std::int64_t out_features, Generator& generator,
         const LinearOptions& options = {});

  [[nodiscard]] std::string_view type_name() const noexcept override { return "Linear"; }
  [[nodiscard]] std::int64_t in_features() const { return weight_->value.size(1); }
  [[nodiscard]] std::int64_t out_features() const { return weight_->value.size(0); }
  [[nodiscard]] const ParameterPtr& weight() const noexcept { return weight_; }
  /// Null where the layer has none.
  [[nodiscard]] const ParameterPtr& bias() const noexcept { return bias_; }

  /// (..., in_features) to (..., out_features). The input's elements must stay as they are until
  /// backward().
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;

  /// What forward() can take along.
  struct FusedForward {
    bool relu = false;  // a ReLU behind the layer
    /// The output is for another layer under autocast: it stays bfloat16, where this one is, too.
    bool for_autocast = false;
  };
  /// forward() and more, in one pass over the output.
  [[nodiscard]] Tensor forward_fused(const Tensor& input, const FusedForward& more);
  /// What the last forward with a ReLU has left for the backward_relu() of the layer behind.
  [[nodiscard]] ops::ReluBits& relu_bits() noexcept { return relu_bits_; }
  /// backward() and that of a ReLU in front of this layer, in one pass: where the last input is a
  /// ReLU's output, returns the gradient by that ReLU's input. `bits`, or null: those of the same
  /// ReLU.
  [[nodiscard]] Tensor backward_relu(const Tensor& grad_output, ops::ReluBits* bits = nullptr);

  /// Whether its products have operands of bfloat16.
  [[nodiscard]] bool is_autocast() const {
    return autocast_dtype() == DType::bfloat16 && weight_->value.dtype() == DType::float32;
  }

 protected:
  void release_saved() noexcept override;

 private:
  enum class InputGrad { none, plain, through_relu };
  [[nodiscard]] Tensor differentiate(const Tensor& grad_output, InputGrad wanted,
                                     ops::ReluBits* bits);

  ParameterPtr weight_;
  ParameterPtr bias_;
  Tensor input_;      // of the last forward(), as a matrix
  Dims input_shape_;  // its shape before that
  Buffer output_;
  Buffer grad_input_;
  ops::ReluBits relu_bits_;
  // Under autocast, in bfloat16: operands of the last forward() and of backward().
  bool was_autocast_ = false;  // in the last forward()
  Tensor input_operand_;
  Tensor weight_operand_;
  Buffer input_cast_;
  Buffer weight_cast_;
  Buffer bias_cast_;
  Buffer grad_cast_;
};

}  // namespace wick::nn
