// SPDX-License-Identifier: MIT
// Normalisations of each sample by itself. PyTorch's names, arguments and default values.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "wick/core/compiler.h"
#include "wick/nn/module.h"
#include "wick/nn/norm_step.h"
#include "wick/nn/scratch.h"

namespace wick::nn {

/// y = (x - mean) / sqrt(variance + eps) * weight + bias, for contiguous inputs in the dtype of the
/// layer, float32 or float64.
class WICK_API Normalization : public Module {
 public:
  [[nodiscard]] std::string_view type_name() const noexcept override { return type_name_; }
  [[nodiscard]] double eps() const noexcept { return step_.eps; }
  /// Null where the layer has none.
  [[nodiscard]] const ParameterPtr& weight() const noexcept { return weight_; }
  [[nodiscard]] const ParameterPtr& bias() const noexcept { return bias_; }

  [[nodiscard]] Tensor forward(const Tensor& input) override;
  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;
  [[nodiscard]] ValueId append_steps(StepList& steps, ValueId x) const override {
    return steps.norm(x, weight_, bias_, step_);
  }

 protected:
  /// `type_name` is PyTorch's class name and must live as long as the layer.
  Normalization(std::string_view type_name, NormStep step) noexcept
      : type_name_(type_name), step_(std::move(step)) {}
  Normalization(const Normalization& other, ModuleCopier& copier);
  /// Ones and zeros.
  void add_parameters(const Dims& shape, bool weight, bool bias, DType dtype, Device device);

  /// What a forward pass does with the running statistics.
  struct Running {
    bool use = false;
    bool update = false;
    double momentum = 0.1;
    /// Where the momentum is 1 / (batches so far, with this one): how many came before.
    const Tensor* batches = nullptr;
  };
  /// For layers that have some; changes nothing.
  [[nodiscard]] virtual Running running() const { return {}; }
  /// Called once a forward pass that updates them is under way.
  virtual void count_batch() {}
  /// Throws ShapeError for an input that the layer does not take.
  virtual void check_input(const Tensor& /*input*/, const NormShape& /*shape*/) const {}
  /// Whether the statistics are the running ones.
  [[nodiscard]] virtual bool uses_running() const noexcept { return false; }

  void release_saved() noexcept override;
  void require_saved_intact(bool input_grad) const override;
  [[nodiscard]] NormStep& step() noexcept { return step_; }
  [[nodiscard]] const NormStep& step() const noexcept { return step_; }

 private:
  void differentiate(const Tensor& grad_output, const Tensor* grad_input);

  std::string_view type_name_;
  NormStep step_;
  ParameterPtr weight_;
  ParameterPtr bias_;
  // Of the last forward().
  SavedTensor input_;
  NormShape shape_;
  NormOp op_ = NormOp::layer_norm;
  bool used_running_ = false;
  Scratch output_;
  Scratch mean_;
  Scratch rstd_;
  Scratch grad_input_;
};

struct LayerNormOptions {
  double eps = 1e-5;
  bool elementwise_affine = true;
  bool bias = true;
  DType dtype = DType::float32;
  Device device = kCpu;
};

/// torch.nn.LayerNorm (Ba et al. 2016): over the last dimensions, whose sizes are
/// `normalized_shape`, which `weight` and `bias` have, too.
class WICK_API LayerNorm final : public Normalization {
 public:
  /// Throws ValueError for an empty shape or a negative size.
  explicit LayerNorm(const Dims& normalized_shape, const LayerNormOptions& options = {});
  explicit LayerNorm(std::int64_t features, const LayerNormOptions& options = {})
      : LayerNorm(Dims{features}, options) {}
  LayerNorm(const LayerNorm& other, ModuleCopier& copier) : Normalization(other, copier) {}
  [[nodiscard]] std::string extra_repr() const override;
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
};

struct RMSNormOptions {
  std::optional<double> eps{};  // none: the distance from 1 to the next number of the dtype
  bool elementwise_affine = true;
  DType dtype = DType::float32;
  Device device = kCpu;
};

/// torch.nn.RMSNorm (Zhang and Sennrich 2019): y = x / sqrt(mean of x² + eps) * weight, over the
/// last dimensions.
class WICK_API RMSNorm final : public Normalization {
 public:
  explicit RMSNorm(const Dims& normalized_shape, const RMSNormOptions& options = {});
  explicit RMSNorm(std::int64_t features, const RMSNormOptions& options = {})
      : RMSNorm(Dims{features}, options) {}
  RMSNorm(const RMSNorm& other, ModuleCopier& copier)
      : Normalization(other, copier), has_own_eps_(other.has_own_eps_) {}
  [[nodiscard]] std::string extra_repr() const override;
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;

 private:
  bool has_own_eps_ = true;  // else that of the dtype
};

struct GroupNormOptions {
  double eps = 1e-5;
  bool affine = true;
  bool bias = true;  // with affine
  DType dtype = DType::float32;
  Device device = kCpu;
};

/// torch.nn.GroupNorm (Wu and He 2018): over groups of the channels of inputs (N, C, ...), each
/// sample by itself; `weight` and `bias` are (C).
class WICK_API GroupNorm final : public Normalization {
 public:
  /// Throws ValueError where the groups do not divide the channels.
  GroupNorm(std::int64_t num_groups, std::int64_t num_channels,
            const GroupNormOptions& options = {});
  GroupNorm(const GroupNorm& other, ModuleCopier& copier) : Normalization(other, copier) {}
  [[nodiscard]] std::string extra_repr() const override;
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;

 protected:
  void check_input(const Tensor& input, const NormShape& shape) const override;
};

}  // namespace wick::nn
