// SPDX-License-Identifier: MIT
// Fully connected layer.
#pragma once

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

  /// forward() and a ReLU behind it, in one pass over the output.
  [[nodiscard]] Tensor forward_relu(const Tensor& input);
  /// backward() and that of a ReLU in front of this layer, in one pass: where the last input is a
  /// ReLU's output, returns the gradient by that ReLU's input.
  [[nodiscard]] Tensor backward_relu(const Tensor& grad_output);

 private:
  enum class InputGrad { none, plain, through_relu };
  [[nodiscard]] Tensor run(const Tensor& input, bool relu);
  [[nodiscard]] Tensor differentiate(const Tensor& grad_output, InputGrad wanted);

  ParameterPtr weight_;
  ParameterPtr bias_;
  Tensor input_;      // of the last forward(), as a matrix
  Dims input_shape_;  // its shape before that
  Buffer output_;
  Buffer grad_input_;
};

}  // namespace wick::nn
