// SPDX-License-Identifier: MIT
// Pooling of images and signals. PyTorch's names, arguments and default values.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "wick/core/compiler.h"
#include "wick/nn/image_step.h"
#include "wick/nn/module.h"
#include "wick/nn/scratch.h"

namespace wick::nn {

/// What the pooling layers have in common: inputs are batches (N, C, H, W), or (N, C, L) of one
/// dimension, or one sample without the N, float32 or float64; a tensor that is not contiguous is
/// copied. There are no parameters.
class WICK_API Pooling : public Module {
 public:
  [[nodiscard]] std::string_view type_name() const noexcept override { return type_name_; }
  [[nodiscard]] ValueId append_steps(StepList& steps, ValueId x) const override {
    return steps.pool(x, step_);
  }
  [[nodiscard]] const PoolStep& sizes() const noexcept { return step_; }

  /// Throws ShapeError for an input of another rank, and for a window that does not fit.
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;

 protected:
  /// `type_name` is PyTorch's class name and must live as long as the layer. Throws ValueError for
  /// sizes out of range, and for a padding of more than half a window, of which PyTorch says the
  /// same.
  Pooling(std::string_view type_name, PoolStep step);
  Pooling(const Pooling& other, ModuleCopier& copier)
      : Module(other, copier), type_name_(other.type_name_), step_(other.step_) {}
  /// Of the largest elements of the last forward(); see MaxPool2d::indices().
  [[nodiscard]] Tensor last_indices() const;

 private:
  std::string_view type_name_;
  PoolStep step_;
  // Of the last forward().
  Dims input_shape_;
  Dims output_shape_;
  ops::PoolShape shape_;
  DType dtype_ = DType::float32;
  Device device_;
  Tensor output_tensor_;
  Scratch output_;
  Scratch indices_;
  Scratch grad_input_;
};

struct MaxPoolOptions {
  std::optional<Size2d> stride{};  // none: that of the window
  Size2d padding{0};
  Size2d dilation{1};
  bool ceil_mode = false;  // the last window may reach beyond the image
};

/// torch.nn.MaxPool2d: output (N, C, H', W') with H' = (H + 2 padding - dilation (kernel_size - 1)
/// - 1) / stride + 1, rounded down, or up with ceil_mode.
class WICK_API MaxPool2d final : public Pooling {
 public:
  explicit MaxPool2d(Size2d kernel_size, const MaxPoolOptions& options = {});
  MaxPool2d(const MaxPool2d& other, ModuleCopier& copier) : Pooling(other, copier) {}
  [[nodiscard]] std::string extra_repr() const override;
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
  /// What PyTorch gives with return_indices: of each output of the last forward(), int64, the index
  /// y * W + x of its element in the plane. The layer overwrites it at the next one. Undefined
  /// before the first.
  [[nodiscard]] Tensor indices() const { return last_indices(); }
};

/// torch.nn.MaxPool1d: as MaxPool2d, of signals (N, C, L). Sizes are one number.
class WICK_API MaxPool1d final : public Pooling {
 public:
  explicit MaxPool1d(std::int64_t kernel_size, const MaxPoolOptions& options = {});
  MaxPool1d(const MaxPool1d& other, ModuleCopier& copier) : Pooling(other, copier) {}
  [[nodiscard]] std::string extra_repr() const override;
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
  [[nodiscard]] Tensor indices() const { return last_indices(); }
};

struct AvgPoolOptions {
  std::optional<Size2d> stride{};  // none: that of the window
  Size2d padding{0};
  bool ceil_mode = false;
  bool count_include_pad = true;  // the mean is over the padding, too
  /// In place of the number of elements; of AvgPool2d.
  std::optional<std::int64_t> divisor_override{};
};

/// torch.nn.AvgPool2d.
class WICK_API AvgPool2d final : public Pooling {
 public:
  /// Throws ValueError for a divisor_override of 0.
  explicit AvgPool2d(Size2d kernel_size, const AvgPoolOptions& options = {});
  AvgPool2d(const AvgPool2d& other, ModuleCopier& copier) : Pooling(other, copier) {}
  [[nodiscard]] std::string extra_repr() const override;
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
};

/// torch.nn.AvgPool1d: as AvgPool2d, of signals (N, C, L). Sizes are one number.
class WICK_API AvgPool1d final : public Pooling {
 public:
  explicit AvgPool1d(std::int64_t kernel_size, const AvgPoolOptions& options = {});
  AvgPool1d(const AvgPool1d& other, ModuleCopier& copier) : Pooling(other, copier) {}
  [[nodiscard]] std::string extra_repr() const override;
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
};

/// The size of an adaptive pooling's output; none: that of the input. One number is both.
struct AdaptiveSize {
  std::optional<std::int64_t> height;
  std::optional<std::int64_t> width;
  AdaptiveSize(std::int64_t both) : height(both), width(both) {}  // NOLINT(*-explicit-*)
  AdaptiveSize(std::optional<std::int64_t> h, std::optional<std::int64_t> w)
      : height(h), width(w) {}
};

/// torch.nn.AdaptiveAvgPool2d: the mean of windows from floor(i H / H') to ceil((i + 1) H / H').
class WICK_API AdaptiveAvgPool2d final : public Pooling {
 public:
  explicit AdaptiveAvgPool2d(AdaptiveSize output_size);
  AdaptiveAvgPool2d(const AdaptiveAvgPool2d& other, ModuleCopier& copier)
      : Pooling(other, copier) {}
  [[nodiscard]] std::string extra_repr() const override;
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
};

/// torch.nn.AdaptiveAvgPool1d: as AdaptiveAvgPool2d, of signals (N, C, L).
class WICK_API AdaptiveAvgPool1d final : public Pooling {
 public:
  explicit AdaptiveAvgPool1d(std::int64_t output_size);
  AdaptiveAvgPool1d(const AdaptiveAvgPool1d& other, ModuleCopier& copier)
      : Pooling(other, copier) {}
  [[nodiscard]] std::string extra_repr() const override;
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
};

/// torch.nn.AdaptiveMaxPool2d: the largest elements of the same windows.
class WICK_API AdaptiveMaxPool2d final : public Pooling {
 public:
  explicit AdaptiveMaxPool2d(AdaptiveSize output_size);
  AdaptiveMaxPool2d(const AdaptiveMaxPool2d& other, ModuleCopier& copier)
      : Pooling(other, copier) {}
  [[nodiscard]] std::string extra_repr() const override;
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
  /// See MaxPool2d::indices().
  [[nodiscard]] Tensor indices() const { return last_indices(); }
};

}  // namespace wick::nn
