// SPDX-License-Identifier: MIT
#include "wick/nn/layers/resample.h"

#include <cmath>
#include <utility>

#include "wick/core/error.h"
#include "wick/core/ops_image.h"

namespace wick::nn {
namespace {

// Of the given shape, in memory that is not that of `other`.
const Tensor& apart(Scratch& scratch, const Dims& shape, const Tensor& other) {
  const Tensor& tensor = scratch.get(shape, other.dtype(), other.device());
  if (tensor.storage() != other.storage()) return tensor;
  scratch = Scratch();
  return scratch.get(shape, other.dtype(), other.device());
}

ResampleStep padding_step(const Padding2d& padding) {
  ResampleStep step;
  step.op = ResampleOp::zeros;
  step.padding = {padding.top, padding.left};
  step.padding_end = {padding.bottom, padding.right};
  return step;
}

ResampleStep upsample_step(const UpsampleOptions& options) {
  if (options.size.has_value() == options.scale_factor.has_value()) {
    throw ValueError("Upsample: needs either a size or a scale_factor");
  }
  const bool bilinear = options.mode == "bilinear";
  if (!bilinear && options.mode != "nearest") {
    throw ValueError(
        concat("Upsample: mode must be \"nearest\" or \"bilinear\", got \"", options.mode, '"'));
  }
  if (!bilinear && options.align_corners) {
    throw ValueError("Upsample: align_corners is of mode \"bilinear\" alone");
  }
  ResampleStep step;
  step.op = bilinear ? ResampleOp::bilinear : ResampleOp::nearest;
  step.size = options.size;
  if (options.scale_factor) {
    step.factor_height = options.scale_factor->height;
    step.factor_width = options.scale_factor->width;
    const auto fits = [](double factor) { return factor > 0.0 && std::isfinite(factor); };
    if (!fits(step.factor_height) || !fits(step.factor_width)) {
      throw ValueError(concat("Upsample: scale_factor must be above 0, got ", step.factor_height,
                              " and ", step.factor_width));
    }
  }
  step.align_corners = options.align_corners.value_or(false);
  return step;
}

}  // namespace

Tensor Resampling::forward(const Tensor& input) {
  require_input(input);
  ResampleStep step = step_;
  step.dims = dims_of(input);
  const ImageSizes sizes = ImageSizes::of(type_name_, step.dims, input.shape());
  const ops::ResampleShape shape = step.shape_of(type_name_, sizes);
  const Tensor whole = input.contiguous();
  begin_forward();
  shape_ = shape;
  input_shape_ = input.shape();
  const Tensor& output = last_output_ =
      apart(output_,
            sizes.shape(step.dims, sizes.channels, shape.height.output, shape.width.output), whole);
  ops::resample(shape, whole, output);
  end_forward();
  return output;
}

Tensor Resampling::backward(const Tensor& grad_output, bool input_grad) {
  require_gradient(grad_output, last_output_.shape(), input_grad,
                   last_output_.defined() ? &last_output_ : nullptr);
  const Tensor whole = grad_output.contiguous();
  begin_backward();
  if (!input_grad) return {};
  const Tensor& grad_input = apart(grad_input_, input_shape_, whole);
  ops::resample_backward(shape_, whole, grad_input);
  return grad_input;
}

ZeroPad2d::ZeroPad2d(Padding2d padding) : Resampling("ZeroPad2d", padding_step(padding)) {}

std::string ZeroPad2d::extra_repr() const {
  const ResampleStep& of = step();
  return concat('(', of.padding.width, ", ", of.padding_end.width, ", ", of.padding.height, ", ",
                of.padding_end.height, ')');
}

Upsample::Upsample(const UpsampleOptions& options)
    : Resampling("Upsample", upsample_step(options)) {}

std::size_t Upsample::dims_of(const Tensor& input) const {
  const ResampleStep& of = step();
  // Two sizes or factors are those of an image.
  const bool one =
      (!of.size || of.size->height == of.size->width) && of.factor_height == of.factor_width;
  const bool signal = input.dim() == 3 && of.op == ResampleOp::nearest && one;
  if (input.dim() != 4 && !signal) {
    throw ShapeError(concat("Upsample: input has shape ", input.shape(), ", expected (N, C, H, W)",
                            of.op == ResampleOp::nearest && one ? " or (N, C, L)" : ""));
  }
  return signal ? 1 : 2;
}

std::string Upsample::extra_repr() const {
  const ResampleStep& of = step();
  std::string size;
  if (of.size) {
    size = of.size->height == of.size->width
               ? concat("size=", of.size->width)
               : concat("size=(", of.size->height, ", ", of.size->width, ')');
  } else {
    size = of.factor_height == of.factor_width
               ? concat("scale_factor=", python_repr(of.factor_width))
               : concat("scale_factor=(", python_repr(of.factor_height), ", ",
                        python_repr(of.factor_width), ')');
  }
  return concat(size, ", mode='", of.op == ResampleOp::nearest ? "nearest" : "bilinear", '\'');
}

PixelShuffle::PixelShuffle(std::int64_t upscale_factor) : factor_(upscale_factor) {
  if (upscale_factor < 1) {
    throw ValueError(
        concat("PixelShuffle: upscale_factor must be at least 1, got ", upscale_factor));
  }
}

// Copies one to the other.
Tensor PixelShuffle::shuffled(const Tensor& channels, const Tensor& pixels, bool forward) const {
  const std::size_t rank = channels.shape().size();
  const std::int64_t r = factor_;
  const std::int64_t height = channels.shape()[rank - 2];
  const std::int64_t width = channels.shape()[rank - 1];
  const std::int64_t planes = element_count(std::span(channels.shape()).first(rank - 2)) / (r * r);
  const Tensor apart = channels.view({planes, r, r, height, width}).permute({0, 3, 1, 4, 2});
  const Tensor image = pixels.view({planes, height, r, width, r});
  if (forward) {
    image.copy_(apart);
    return pixels;
  }
  apart.copy_(image);
  return channels;
}

Tensor PixelShuffle::forward(const Tensor& input) {
  require_input(input);
  const std::size_t rank = input.shape().size();
  if (rank < 3 || input.shape()[rank - 3] % (factor_ * factor_) != 0) {
    throw ShapeError(concat("PixelShuffle: input has shape ", input.shape(),
                            ", expected (..., C, H, W) with a C that ", factor_ * factor_,
                            ", the square of upscale_factor, divides"));
  }
  const Tensor whole = input.contiguous();
  Dims shape = input.shape();
  shape[rank - 3] /= factor_ * factor_;
  shape[rank - 2] *= factor_;
  shape[rank - 1] *= factor_;
  begin_forward();
  input_shape_ = input.shape();
  const Tensor& output = last_output_ = apart(output_, shape, whole);
  if (whole.numel() > 0) static_cast<void>(shuffled(whole, output, true));
  end_forward();
  return output;
}

Tensor PixelShuffle::backward(const Tensor& grad_output, bool input_grad) {
  require_gradient(grad_output, last_output_.shape(), input_grad,
                   last_output_.defined() ? &last_output_ : nullptr);
  const Tensor whole = grad_output.contiguous();
  begin_backward();
  if (!input_grad) return {};
  const Tensor& grad_input = apart(grad_input_, input_shape_, whole);
  if (whole.numel() > 0) static_cast<void>(shuffled(grad_input, whole, false));
  return grad_input;
}

std::string PixelShuffle::extra_repr() const {
  return concat("upscale_factor=", factor_);
}

std::unique_ptr<Module> ZeroPad2d::copy(ModuleCopier& copier) const {
  return std::make_unique<ZeroPad2d>(*this, copier);
}

std::unique_ptr<Module> Upsample::copy(ModuleCopier& copier) const {
  return std::make_unique<Upsample>(*this, copier);
}

std::unique_ptr<Module> PixelShuffle::copy(ModuleCopier& copier) const {
  return std::make_unique<PixelShuffle>(*this, copier);
}

}  // namespace wick::nn
