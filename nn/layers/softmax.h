// SPDX-License-Identifier: MIT
// Softmax and its logarithm.
#pragma once

#include "wick/core/compiler.h"
#include "wick/core/text.h"
#include "wick/nn/module.h"
#include "wick/nn/scratch.h"

namespace wick::nn {

/// Along one dimension, which may count from the end, of contiguous tensors, float32 or float64.
class WICK_API SoftmaxLayer : public Module {
 public:
  [[nodiscard]] std::string_view type_name() const noexcept override {
    return log_ ? "LogSoftmax" : "Softmax";
  }
  [[nodiscard]] std::string extra_repr() const override { return concat("dim=", dim_); }
  /// Throws IndexError for an input without that dimension.
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;
  [[nodiscard]] ValueId append_steps(StepList& steps, ValueId x) const override {
    return steps.softmax(x, dim_, log_);
  }

 protected:
  SoftmaxLayer(std::int64_t dim, bool log) noexcept : dim_(dim), log_(log) {}
  SoftmaxLayer(const SoftmaxLayer& other, ModuleCopier& copier)
      : Module(other, copier), dim_(other.dim_), log_(other.log_) {}
  void release_saved() noexcept override { saved_ = Tensor(); }
  void require_saved_intact(bool input_grad) const override {
    if (input_grad) require_intact(saved_, "output");
  }

 private:
  std::int64_t dim_;
  bool log_;
  SavedTensor saved_;  // the last output
  Scratch output_;
  Scratch grad_input_;
};

/// torch.nn.Softmax: exp(x) / sum of exp(x). There is no default for `dim`, as PyTorch's is
/// deprecated.
class WICK_API Softmax final : public SoftmaxLayer {
 public:
  explicit Softmax(std::int64_t dim) noexcept : SoftmaxLayer(dim, false) {}
  Softmax(const Softmax& other, ModuleCopier& copier) : SoftmaxLayer(other, copier) {}
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
};

/// torch.nn.LogSoftmax: x - log(sum of exp(x)).
class WICK_API LogSoftmax final : public SoftmaxLayer {
 public:
  explicit LogSoftmax(std::int64_t dim) noexcept : SoftmaxLayer(dim, true) {}
  LogSoftmax(const LogSoftmax& other, ModuleCopier& copier) : SoftmaxLayer(other, copier) {}
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
};

}  // namespace wick::nn
