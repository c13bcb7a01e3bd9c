// SPDX-License-Identifier: MIT
// Images of another size: padded, resized, and made of channels. PyTorch's names, arguments and
// default values. Inputs are batches (N, C, H, W), or one sample without the N, float32 or float64;
// a tensor that is not contiguous is copied.
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

/// What a ZeroPad2d and an Upsample have in common.
class WICK_API Resampling : public Module {
 public:
  [[nodiscard]] std::string_view type_name() const noexcept override { return type_name_; }
  [[nodiscard]] ValueId append_steps(StepList& steps, ValueId x) const override {
    return steps.resample(x, step_);
  }
  /// Throws ShapeError for an input of another rank, and where the output would have no elements.
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;

 protected:
  Resampling(std::string_view type_name, ResampleStep step) noexcept
      : type_name_(type_name), step_(step) {}
  Resampling(const Resampling& other, ModuleCopier& copier)
      : Module(other, copier), type_name_(other.type_name_), step_(other.step_) {}
  [[nodiscard]] const ResampleStep& step() const noexcept { return step_; }
  /// The dimensions of an image in a batch of this rank.
  [[nodiscard]] virtual std::size_t dims_of(const Tensor& /*input*/) const { return 2; }

 private:
  std::string_view type_name_;
  ResampleStep step_;
  // Of the last forward().
  Dims input_shape_;
  Tensor last_output_;
  ops::ResampleShape shape_;
  Scratch output_;
  Scratch grad_input_;
};

/// The padding at each side, in PyTorch's order; one number is all.
struct Padding2d {
  std::int64_t left = 0;
  std::int64_t right = 0;
  std::int64_t top = 0;
  std::int64_t bottom = 0;
  constexpr Padding2d(std::int64_t all) noexcept  // NOLINT(*-explicit-*)
      : left(all), right(all), top(all), bottom(all) {}
  constexpr Padding2d(std::int64_t l, std::int64_t r, std::int64_t t, std::int64_t b) noexcept
      : left(l), right(r), top(t), bottom(b) {}
};

/// torch.nn.ZeroPad2d: zeros around the image; a negative padding cuts.
class WICK_API ZeroPad2d final : public Resampling {
 public:
  explicit ZeroPad2d(Padding2d padding);
  ZeroPad2d(const ZeroPad2d& other, ModuleCopier& copier) : Resampling(other, copier) {}
  [[nodiscard]] std::string extra_repr() const override;
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
};

/// A factor for each dimension; one number is both.
struct ScaleFactor {
  double height = 1.0;
  double width = 1.0;
  constexpr ScaleFactor(double both) noexcept
      : height(both), width(both) {}  // NOLINT(*-explicit-*)
  constexpr ScaleFactor(double h, double w) noexcept : height(h), width(w) {}
};

/// One of size and scale_factor.
struct UpsampleOptions {
  std::optional<Size2d> size{};
  std::optional<ScaleFactor> scale_factor{};
  std::string mode = "nearest";  // or "bilinear", of images
  /// Of bilinear: the centres of the corner elements lie on each other; else their edges do.
  std::optional<bool> align_corners{};
};

/// torch.nn.Upsample of images (N, C, H, W), and with mode "nearest" of signals (N, C, L). As in
/// PyTorch, there must be a batch.
class WICK_API Upsample final : public Resampling {
 public:
  /// Throws ValueError unless there is a size or a scale_factor, for an unknown mode, and for an
  /// align_corners of "nearest".
  explicit Upsample(const UpsampleOptions& options);
  Upsample(const Upsample& other, ModuleCopier& copier) : Resampling(other, copier) {}
  [[nodiscard]] std::string extra_repr() const override;
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;

 protected:
  [[nodiscard]] std::size_t dims_of(const Tensor& input) const override;
};

/// torch.nn.PixelShuffle: (N, C r², H, W) to (N, C, H r, W r) (Shi et al. 2016).
class WICK_API PixelShuffle final : public Module {
 public:
  /// Throws ValueError for a factor below 1.
  explicit PixelShuffle(std::int64_t upscale_factor);
  PixelShuffle(const PixelShuffle& other, ModuleCopier& copier)
      : Module(other, copier), factor_(other.factor_) {}
  [[nodiscard]] std::string_view type_name() const noexcept override { return "PixelShuffle"; }
  [[nodiscard]] std::string extra_repr() const override;
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
  [[nodiscard]] ValueId append_steps(StepList& steps, ValueId x) const override {
    return steps.pixel_shuffle(x, factor_);
  }
  /// Throws ShapeError for channels that r² does not divide.
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;

 private:
  [[nodiscard]] Tensor shuffled(const Tensor& channels, const Tensor& pixels, bool forward) const;

  std::int64_t factor_;
  // Of the last forward().
  Dims input_shape_;
  Tensor last_output_;
  Scratch output_;
  Scratch grad_input_;
};

}  // namespace wick::nn
