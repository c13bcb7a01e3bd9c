// SPDX-License-Identifier: MIT
// Fully connected layer.
#pragma once

#include "core/random.h"
#include "nn/module.h"

namespace wick::nn {

struct LinearOptions {
  bool bias = true;
  DType dtype = DType::float32;
  Device device = kCpu;
};

/// torch.nn.Linear: y = x Wᵀ + b for x of shape (N, in_features); parameters `weight` of shape
/// (out_features, in_features) and `bias` (out_features).
class Linear : public Module {
 public:
  /// Draws the initial weights as PyTorch does (see linear_init_) from `generator`.
  Linear(std::int64_t in_features, std::int64_t out_features, Generator& generator,
         const LinearOptions& options = {});

  [[nodiscard]] std::string_view type_name() const noexcept override { return "Linear"; }
  [[nodiscard]] std::int64_t in_features() const { return weight_->value.size(1); }
  [[nodiscard]] std::int64_t out_features() const { return weight_->value.size(0); }
  [[nodiscard]] const ParameterPtr& weight() const noexcept { return weight_; }
  /// Null where the layer has none.
  [[nodiscard]] const ParameterPtr& bias() const noexcept { return bias_; }

  /// (N, in_features) to (N, out_features). The input must stay unchanged until backward().
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;

  /// forward() with a ReLU behind it, in one pass over the output.
  [[nodiscard]] Tensor forward_relu(const Tensor& input);

 private:
  [[nodiscard]] Tensor run(const Tensor& input, bool relu);

  ParameterPtr weight_;
  ParameterPtr bias_;
  Tensor input_;
  Buffer output_;
  Buffer grad_input_;
};

}  // namespace wick::nn
