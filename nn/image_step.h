// SPDX-License-Identifier: MIT
// What a convolution, a pooling or a resizing is, for its layer and for whoever reads the steps of
// a network: all but its parameters and the size of the image.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "wick/core/backend/image.h"
#include "wick/core/compiler.h"
#include "wick/core/dims.h"
#include "wick/core/ops_image.h"

namespace wick::nn {

/// Height and width; one number is both, as in PyTorch.
struct Size2d {
  std::int64_t height = 1;
  std::int64_t width = 1;
  constexpr Size2d() noexcept = default;
  constexpr Size2d(std::int64_t both) noexcept
      : height(both), width(both) {}  // NOLINT(*-explicit-*)
  constexpr Size2d(std::int64_t h, std::int64_t w) noexcept : height(h), width(w) {}
  friend constexpr bool operator==(const Size2d&, const Size2d&) noexcept = default;
};

/// An input (N, C, H, W), or of one dimension (N, C, L), is a batch; without the N, one sample.
struct WICK_API ImageSizes {
  std::int64_t samples = 0;
  std::int64_t channels = 0;
  std::int64_t height = 1;
  std::int64_t width = 1;
  bool single = false;

  [[nodiscard]] std::int64_t planes() const noexcept { return samples * channels; }
  /// Throws ShapeError that begins with `who` for an input that has neither rank.
  [[nodiscard]] static ImageSizes of(std::string_view who, std::size_t dims, const Dims& input);
  /// The shape of a tensor of other channels and size, with as many dimensions as the input.
  [[nodiscard]] Dims shape(std::size_t dims, std::int64_t other_channels, std::int64_t other_height,
                           std::int64_t other_width) const;
};

/// Of Conv1d and 2d and ConvTranspose1d and 2d; what has one dimension has a height of 1.
struct WICK_API ConvStep {
  std::size_t dims = 2;
  std::int64_t in_channels = 0;
  std::int64_t out_channels = 0;
  std::int64_t groups = 1;
  Size2d kernel;
  Size2d stride;
  Size2d dilation;
  Size2d padding{0};      // in front
  Size2d padding_end{0};  // behind; of a transposed one, what the output gets besides
  ResampleOp padding_mode = ResampleOp::zeros;
  bool transposed = false;

  /// How the image is padded beforehand, where the padding is not of zeros.
  [[nodiscard]] bool pads() const noexcept { return padding_mode != ResampleOp::zeros; }
  [[nodiscard]] ops::ResampleShape pad_shape(const ImageSizes& input) const;
  /// The convolution, of the padded image where it is padded beforehand; of a transposed one, that
  /// of which it is the gradient. Throws ShapeError that begins with `who` for other channels, and
  /// for a kernel that is larger than the padded image.
  [[nodiscard]] ConvShape shape_of(std::string_view who, const ImageSizes& input) const;
  [[nodiscard]] Dims output_shape(const ImageSizes& input, const ConvShape& shape) const;

 private:
  void check_padding(std::string_view who, const ImageSizes& input) const;
};

/// Of MaxPool, AvgPool, AdaptiveAvgPool and AdaptiveMaxPool.
struct WICK_API PoolStep {
  PoolOp op = PoolOp::max;
  std::size_t dims = 2;
  Size2d kernel;
  Size2d stride;
  Size2d padding{0};
  Size2d dilation;
  bool ceil_mode = false;
  bool count_include_pad = true;
  std::int64_t divisor = 0;
  Size2d output;  // of adaptive ones; -1: that of the input

  /// Throws ShapeError that begins with `who` where a window does not fit.
  [[nodiscard]] ops::PoolShape shape_of(std::string_view who, const ImageSizes& input) const;
};

/// Of ZeroPad2d and Upsample.
struct WICK_API ResampleStep {
  ResampleOp op = ResampleOp::zeros;
  std::size_t dims = 2;
  Size2d padding{0};
  Size2d padding_end{0};
  // Of Upsample: one of both.
  std::optional<Size2d> size;
  double factor_height = 1.0;
  double factor_width = 1.0;
  bool align_corners = false;

  /// Throws ShapeError that begins with `who` where nothing of the image would be left.
  [[nodiscard]] ops::ResampleShape shape_of(std::string_view who, const ImageSizes& input) const;
};

}  // namespace wick::nn
