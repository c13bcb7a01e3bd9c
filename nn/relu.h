// SPDX-License-Identifier: MIT
// Rectified linear unit.
#pragma once

#include "nn/buffer.h"
#include "nn/module.h"

namespace wick::nn {

/// torch.nn.ReLU: y = max(x, 0), for contiguous tensors of any shape; NaN passes through. The
/// gradient at 0 is 0.
class ReLU final : public Module {
 public:
  [[nodiscard]] std::string_view type_name() const noexcept override { return "ReLU"; }
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;

  /// For a caller that has computed the output already, fused with what came before: backward()
  /// then works as after forward().
  void set_output(const Tensor& output);

 protected:
  void release_saved() noexcept override { output_ = Tensor(); }

 private:
  Tensor output_;
  Buffer buffer_;
  Buffer grad_input_;
};

}  // namespace wick::nn
