// SPDX-License-Identifier: MIT
// Convolutions of images and of signals. PyTorch's names, arguments and default values.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "wick/core/compiler.h"
#include "wick/core/random.h"
#include "wick/nn/image_step.h"
#include "wick/nn/module.h"
#include "wick/nn/scratch.h"

namespace wick::nn {

/// A padding in numbers, or "same" (the output has the input's size) or "valid" (none).
struct WICK_API ConvPadding {
  Size2d size{0};
  std::string text;  // "same", "valid", or empty
  ConvPadding() = default;
  ConvPadding(std::int64_t both) : size(both) {}  // NOLINT(*-explicit-*)
  ConvPadding(std::int64_t height, std::int64_t width) : size(height, width) {}
  ConvPadding(Size2d of) : size(of) {}                // NOLINT(*-explicit-*)
  ConvPadding(const char* word) : text(word) {}       // NOLINT(*-explicit-*)
  ConvPadding(std::string_view word) : text(word) {}  // NOLINT(*-explicit-*)
};

struct ConvOptions {
  Size2d stride{1};
  ConvPadding padding{};
  Size2d dilation{1};
  std::int64_t groups = 1;
  bool bias = true;
  std::string padding_mode = "zeros";  // "zeros", "reflect", "replicate" or "circular"
  DType dtype = DType::float32;
  Device device = kCpu;
};

struct ConvTransposeOptions {
  Size2d stride{1};
  Size2d padding{0};
  Size2d output_padding{0};
  std::int64_t groups = 1;
  bool bias = true;
  Size2d dilation{1};
  DType dtype = DType::float32;
  Device device = kCpu;
};

/// What the convolutions have in common: `weight`, which a ConvTranspose has as (in_channels,
/// out_channels / groups, kernel) and the others as (out_channels, in_channels / groups, kernel),
/// and `bias` (out_channels). Inputs are batches (N, in_channels, H, W), or (N, in_channels, L) of
/// one dimension, or one sample without the N, in the dtype of the layer, float32 or float64; a
/// tensor that is not contiguous is copied.
///
/// Each output is summed in an order that depends on the shape alone. Under Module::autocast(), it
/// computes in float32.
class WICK_API Convolution : public Module {
 public:
  [[nodiscard]] std::string_view type_name() const noexcept override { return type_name_; }
  [[nodiscard]] std::string extra_repr() const override;
  [[nodiscard]] ValueId append_steps(StepList& steps, ValueId x) const override {
    return steps.conv(x, weight_, bias_, step_);
  }
  [[nodiscard]] const ParameterPtr& weight() const noexcept { return weight_; }
  /// Null where the layer has none.
  [[nodiscard]] const ParameterPtr& bias() const noexcept { return bias_; }
  /// Its sizes; of one dimension, those of the width.
  [[nodiscard]] const ConvStep& sizes() const noexcept { return step_; }

  /// Throws ShapeError for an input of another rank or number of channels, and for a kernel that is
  /// larger than the padded input.
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;

 protected:
  /// `type_name` is PyTorch's class name and must live as long as the layer. A null generator is
  /// the device's default one.
  Convolution(std::string_view type_name, ConvStep step, const ConvOptions& options,
              Generator* generator);
  Convolution(const Convolution& other, ModuleCopier& copier);
  void release_saved() noexcept override;
  void require_saved_intact(bool input_grad) const override;
  /// A size of one dimension or two.
  [[nodiscard]] static ConvStep step_of(std::size_t dims, std::int64_t in_channels,
                                        std::int64_t out_channels, Size2d kernel,
                                        const ConvOptions& options);
  [[nodiscard]] static ConvStep transposed_step_of(std::size_t dims, std::int64_t in_channels,
                                                   std::int64_t out_channels, Size2d kernel,
                                                   const ConvTransposeOptions& options);
  [[nodiscard]] static ConvOptions common_of(const ConvTransposeOptions& options);

 private:
  void set_padding(const ConvOptions& options);
  [[nodiscard]] std::string name_with_sizes() const;
  void check_sizes(const ConvOptions& options) const;
  void differentiate_parameters(const Tensor& grad_output);
  [[nodiscard]] Tensor differentiate_input(const Tensor& grad_output);

  std::string_view type_name_;
  ConvStep step_;
  std::string padding_text_;
  std::string who_;  // in messages; made once, for forward() allocates nothing
  ParameterPtr weight_;
  ParameterPtr bias_;
  // Of the last forward().
  SavedTensor input_;  // padded, where that is done beforehand
  ImageSizes sizes_;
  ConvShape shape_;
  Dims output_shape_;
  Scratch output_;
  Scratch padded_;
  Scratch grad_padded_;
  Scratch grad_input_;
};

/// torch.nn.Conv2d: output (N, out_channels, H', W') with H' = (H + 2 padding - dilation
/// (kernel_size
/// - 1) - 1) / stride + 1, rounded down (Dumoulin and Visin 2016).
class WICK_API Conv2d final : public Convolution {
 public:
  /// Draws the initial weights from `generator` as PyTorch does. Throws ValueError for groups that
  /// do not divide the channels, for sizes out of range, for an unknown padding or padding_mode,
  /// and for "same" with a stride.
  Conv2d(std::int64_t in_channels, std::int64_t out_channels, Size2d kernel_size,
         Generator& generator, const ConvOptions& options = {})
      : Convolution("Conv2d", step_of(2, in_channels, out_channels, kernel_size, options), options,
                    &generator) {}
  /// Draws them from the default generator of the device.
  Conv2d(std::int64_t in_channels, std::int64_t out_channels, Size2d kernel_size,
         const ConvOptions& options = {})
      : Convolution("Conv2d", step_of(2, in_channels, out_channels, kernel_size, options), options,
                    nullptr) {}
  Conv2d(const Conv2d& other, ModuleCopier& copier) : Convolution(other, copier) {}
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
};

/// torch.nn.Conv1d: as Conv2d, of signals (N, in_channels, L). Sizes are one number.
class WICK_API Conv1d final : public Convolution {
 public:
  Conv1d(std::int64_t in_channels, std::int64_t out_channels, std::int64_t kernel_size,
         Generator& generator, const ConvOptions& options = {})
      : Convolution("Conv1d", step_of(1, in_channels, out_channels, kernel_size, options), options,
                    &generator) {}
  Conv1d(std::int64_t in_channels, std::int64_t out_channels, std::int64_t kernel_size,
         const ConvOptions& options = {})
      : Convolution("Conv1d", step_of(1, in_channels, out_channels, kernel_size, options), options,
                    nullptr) {}
  Conv1d(const Conv1d& other, ModuleCopier& copier) : Convolution(other, copier) {}
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
};

/// torch.nn.ConvTranspose2d: output (N, out_channels, H', W') with H' = (H - 1) stride - 2 padding
/// + dilation (kernel_size - 1) + output_padding + 1.
class WICK_API ConvTranspose2d final : public Convolution {
 public:
  /// As Conv2d. Throws ValueError for an output_padding that is not below stride or dilation.
  ConvTranspose2d(std::int64_t in_channels, std::int64_t out_channels, Size2d kernel_size,
                  Generator& generator, const ConvTransposeOptions& options = {})
      : Convolution("ConvTranspose2d",
                    transposed_step_of(2, in_channels, out_channels, kernel_size, options),
                    common_of(options), &generator) {}
  ConvTranspose2d(std::int64_t in_channels, std::int64_t out_channels, Size2d kernel_size,
                  const ConvTransposeOptions& options = {})
      : Convolution("ConvTranspose2d",
                    transposed_step_of(2, in_channels, out_channels, kernel_size, options),
                    common_of(options), nullptr) {}
  ConvTranspose2d(const ConvTranspose2d& other, ModuleCopier& copier)
      : Convolution(other, copier) {}
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
};

/// torch.nn.ConvTranspose1d: as ConvTranspose2d, of signals (N, in_channels, L).
class WICK_API ConvTranspose1d final : public Convolution {
 public:
  ConvTranspose1d(std::int64_t in_channels, std::int64_t out_channels, std::int64_t kernel_size,
                  Generator& generator, const ConvTransposeOptions& options = {})
      : Convolution("ConvTranspose1d",
                    transposed_step_of(1, in_channels, out_channels, kernel_size, options),
                    common_of(options), &generator) {}
  ConvTranspose1d(std::int64_t in_channels, std::int64_t out_channels, std::int64_t kernel_size,
                  const ConvTransposeOptions& options = {})
      : Convolution("ConvTranspose1d",
                    transposed_step_of(1, in_channels, out_channels, kernel_size, options),
                    common_of(options), nullptr) {}
  ConvTranspose1d(const ConvTranspose1d& other, ModuleCopier& copier)
      : Convolution(other, copier) {}
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
};

}  // namespace wick::nn
