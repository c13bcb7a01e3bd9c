// SPDX-License-Identifier: MIT
// Normalisations with running statistics. PyTorch's names, arguments and default values.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "wick/core/compiler.h"
#include "wick/nn/layers/norm.h"

namespace wick::nn {

struct BatchNormOptions {
  double eps = 1e-5;
  /// How far the running statistics move to those of a batch; none: they are the average of all
  /// batches' so far.
  std::optional<double> momentum = 0.1;
  bool affine = true;
  bool track_running_stats = true;
  bool bias = true;  // with affine
  DType dtype = DType::float32;
  Device device = kCpu;
};

/// With `track_running_stats`, there are the buffers running_mean and running_var (C) and
/// num_batches_tracked (int64), which a forward() in training mode moves on, under a NoGradGuard
/// too, and by which one in eval mode normalises: its backward() takes them for constants.
class WICK_API RunningNormalization : public Normalization {
 public:
  [[nodiscard]] std::int64_t state_version() const noexcept override { return 2; }
  /// States of version 1 have no num_batches_tracked.
  [[nodiscard]] bool may_lack(std::string_view name,
                              std::optional<std::int64_t> version) const override {
    return name == "num_batches_tracked" && version.value_or(1) < 2;
  }
  /// Null without track_running_stats.
  [[nodiscard]] const BufferPtr& running_mean() const noexcept { return step().running_mean; }
  [[nodiscard]] const BufferPtr& running_var() const noexcept { return step().running_var; }
  [[nodiscard]] const BufferPtr& num_batches_tracked() const noexcept { return batches_; }
  /// Means of 0, variances of 1, no batches: as a new layer has them.
  void reset_running_stats() const;
  /// See BatchNormOptions. Each use of a layer that a network applies twice (Graph::again) has a
  /// momentum of its own; Module::apply() reaches them all.
  [[nodiscard]] std::optional<double> momentum() const noexcept { return momentum_; }
  void set_momentum(std::optional<double> momentum) noexcept { momentum_ = momentum; }
  [[nodiscard]] std::string extra_repr() const override;

 protected:
  RunningNormalization(std::string_view type_name, NormStep of, const BatchNormOptions& options);
  RunningNormalization(const RunningNormalization& other, ModuleCopier& copier)
      : Normalization(other, copier),
        momentum_(other.momentum_),
        batches_(copier(other.batches_)) {}
  [[nodiscard]] bool uses_running() const noexcept override {
    return batches_ != nullptr && !is_training();
  }
  [[nodiscard]] Running running() const override;
  void count_batch() override;
  void check_rank(const Tensor& input, std::size_t first, std::size_t last) const;

 private:
  std::optional<double> momentum_;
  BufferPtr batches_;
};

/// Of torch.nn.BatchNorm1d and 2d (Ioffe and Szegedy 2015): over all samples, for each channel.
class WICK_API BatchNorm : public RunningNormalization {
 public:
  [[nodiscard]] BatchNorm* batch_norm() noexcept final { return this; }

 protected:
  BatchNorm(std::string_view type_name, std::int64_t num_features, const BatchNormOptions& options);
  using RunningNormalization::RunningNormalization;
  BatchNorm(const BatchNorm& other, ModuleCopier& copier) : RunningNormalization(other, copier) {}
  void check_values(const Tensor& input, const NormShape& shape) const;
};

/// torch.nn.BatchNorm1d, of inputs (N, C) and (N, C, L).
class WICK_API BatchNorm1d final : public BatchNorm {
 public:
  explicit BatchNorm1d(std::int64_t num_features, const BatchNormOptions& options = {})
      : BatchNorm("BatchNorm1d", num_features, options) {}
  BatchNorm1d(const BatchNorm1d& other, ModuleCopier& copier) : BatchNorm(other, copier) {}
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;

 protected:
  /// Training with one value per channel is PyTorch's error, too.
  void check_input(const Tensor& input, const NormShape& shape) const override {
    check_rank(input, 2, 3);
    check_values(input, shape);
  }
};

/// torch.nn.BatchNorm2d, of inputs (N, C, H, W).
class WICK_API BatchNorm2d final : public BatchNorm {
 public:
  explicit BatchNorm2d(std::int64_t num_features, const BatchNormOptions& options = {})
      : BatchNorm("BatchNorm2d", num_features, options) {}
  BatchNorm2d(const BatchNorm2d& other, ModuleCopier& copier) : BatchNorm(other, copier) {}
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;

 protected:
  void check_input(const Tensor& input, const NormShape& shape) const override {
    check_rank(input, 4, 4);
    check_values(input, shape);
  }
};

struct InstanceNormOptions {
  double eps = 1e-5;
  double momentum = 0.1;
  bool affine = false;
  bool track_running_stats = false;
  bool bias = true;  // with affine
  DType dtype = DType::float32;
  Device device = kCpu;
};

/// torch.nn.InstanceNorm2d (Ulyanov et al. 2016): each channel of each sample by itself, of inputs
/// (N, C, H, W), or of one sample (C, H, W). As in PyTorch, num_batches_tracked stays 0.
class WICK_API InstanceNorm2d final : public RunningNormalization {
 public:
  explicit InstanceNorm2d(std::int64_t num_features, const InstanceNormOptions& options = {});
  InstanceNorm2d(const InstanceNorm2d& other, ModuleCopier& copier)
      : RunningNormalization(other, copier) {}

  [[nodiscard]] Tensor forward(const Tensor& input) override;
  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;

 protected:
  void check_input(const Tensor& input, const NormShape& shape) const override;

 private:
  bool single_ = false;  // the last input was one sample
};

}  // namespace wick::nn
