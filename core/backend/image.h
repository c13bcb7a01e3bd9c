// SPDX-License-Identifier: MIT
// The family of operations on images: convolutions, pooling, and images that are resized or padded.
// Images are (samples, channels, height, width), contiguous; of one dimension, the height is 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "wick/core/backend/elementwise.h"
#include "wick/core/dtype.h"

namespace wick {

/// One dimension of windows that move over an image: element k of the window of output position o
/// is input position o * stride + k * dilation - padding, where there is one.
struct WindowDim {
  std::int64_t input = 1;  // sizes
  std::int64_t output = 1;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;  // in front; what is behind follows from the sizes
  std::int64_t dilation = 1;

  /// The elements that a window reaches over.
  [[nodiscard]] constexpr std::int64_t extent() const noexcept {
    return dilation * (kernel - 1) + 1;
  }
};

/// What a convolution computes: one of its three tensors from the two others.
enum class ConvOp : std::uint8_t {
  forward,         // the output
  input_gradient,  // the input's gradient, or a transposed convolution
  weight_gradient  // those of weight and bias
};

/// In the order of the enumerators.
inline constexpr const char* kConvNames[] = {"conv", "conv_input_gradient", "conv_weight_gradient"};
/// "conv".
[[nodiscard]] constexpr const char* name_of(ConvOp op) {
  return kConvNames[static_cast<std::size_t>(op)];
}

/// Channels and outputs are multiples of the groups.
struct ConvShape {
  std::int64_t samples = 0;
  std::int64_t channels = 1;  // of the input
  std::int64_t outputs = 1;   // channels of the output
  std::int64_t groups = 1;
  WindowDim height{};
  WindowDim width{};

  [[nodiscard]] constexpr std::int64_t group_channels() const noexcept { return channels / groups; }
  [[nodiscard]] constexpr std::int64_t group_outputs() const noexcept { return outputs / groups; }
  [[nodiscard]] constexpr std::int64_t kernel_size() const noexcept {
    return height.kernel * width.kernel;
  }
  [[nodiscard]] constexpr std::int64_t input_plane() const noexcept {
    return height.input * width.input;
  }
  [[nodiscard]] constexpr std::int64_t output_plane() const noexcept {
    return height.output * width.output;
  }
  /// The values that an element of the output is a sum of.
  [[nodiscard]] constexpr std::int64_t depth() const noexcept {
    return group_channels() * kernel_size();
  }
};

/// output[n, o, y, x] = bias[o] + sum over c, i, j of weight[o, c, i, j] input[n, c, ...] with the
/// channels c of o's group, and zeros outside of the input: torch.nn.functional.conv2d.
///
/// The tensor that `op` computes is written, the two others are read.
struct ConvArgs {
  ConvOp op = ConvOp::forward;
  DType dtype = DType::float32;
  ConvShape shape{};
  void* input = nullptr;  // (samples, channels, height.input, width.input)
  void* weight =
      nullptr;  // (outputs, channels / groups, kernels); none: its gradient is not wanted
  void* output = nullptr;  // (samples, outputs, height.output, width.output)
  /// Or none. Of forward (outputs), added to the output; of input_gradient (channels), added to the
  /// input. Of weight_gradient, receives the sums over samples and positions: of the output's
  /// channels, or of the input's with `bias_of_input`.
  void* bias = nullptr;
  bool bias_of_input = false;
  // Of weight_gradient: added to what is there.
  bool accumulate_weight = false;
  bool accumulate_bias = false;
  // Of forward: what is applied to the sums at last.
  bool has_activation = false;
  UnaryOp activation = UnaryOp::relu;
  UnaryParameters parameters{};
};

/// What is made of the elements of a window.
enum class PoolOp : std::uint8_t {
  max,              // the first of the largest; a NaN counts as larger
  average,          // the sum by their number
  adaptive_max,     // of windows from floor(o in / out) to ceil((o + 1) in / out)
  adaptive_average  // likewise
};

/// In the order of the enumerators.
inline constexpr const char* kPoolNames[] = {"max_pool", "avg_pool", "adaptive_max_pool",
                                             "adaptive_avg_pool"};
/// "max_pool".
[[nodiscard]] constexpr const char* name_of(PoolOp op) {
  return kPoolNames[static_cast<std::size_t>(op)];
}
[[nodiscard]] constexpr bool is_adaptive(PoolOp op) {
  return op == PoolOp::adaptive_max || op == PoolOp::adaptive_average;
}
[[nodiscard]] constexpr bool is_max(PoolOp op) {
  return op == PoolOp::max || op == PoolOp::adaptive_max;
}

/// Each plane (one channel of one sample) by itself; of adaptive ones the dimensions have sizes
/// alone. PyTorch: torch.nn.functional.max_pool2d, avg_pool2d, adaptive_max_pool2d and
/// adaptive_avg_pool2d.
struct PoolArgs {
  PoolOp op = PoolOp::max;
  DType dtype = DType::float32;
  std::int64_t planes = 0;
  WindowDim height{};
  WindowDim width{};
  // Of average: what the sum is divided by.
  bool count_include_pad = true;  // the window's elements, with those of the padding; else without
  std::int64_t divisor = 0;       // or this, where it is not 0
  /// The gradient by the input from that by the output.
  bool backward = false;
  const void* from = nullptr;  // the input (planes, height.input, width.input); backward: that by
                               // the output (planes, height.output, width.output)
  void* to = nullptr;          // the other one
  /// Of max, of the output's shape: which element of its plane is the largest. Written forward
  /// (where there are some), read backward.
  std::int64_t* indices = nullptr;
};

/// Where the elements of an image come from that is made of another one.
enum class ResampleOp : std::uint8_t {
  zeros,      // padded with zeros, or with a negative padding, cut
  reflect,    // padded with the image mirrored at its edge, which is not repeated
  replicate,  // padded with the edge
  circular,   // padded with the other side
  nearest,    // resized
  bilinear    // likewise: a mean of the four elements around the position
};

/// In the order of the enumerators.
inline constexpr const char* kResampleNames[] = {"pad (zeros)",        "pad (reflect)",
                                                 "pad (replicate)",    "pad (circular)",
                                                 "upsample (nearest)", "upsample (bilinear)"};
/// "pad (zeros)".
[[nodiscard]] constexpr const char* name_of(ResampleOp op) {
  return kResampleNames[static_cast<std::size_t>(op)];
}

/// One dimension of it.
struct ResampleDim {
  std::int64_t input = 1;  // sizes
  std::int64_t output = 1;
  std::int64_t padding = 0;  // in front; of padding
  double scale = 1.0;        // input positions to an output position; of resizing
};

/// Each plane by itself. PyTorch: torch.nn.functional.pad and interpolate.
struct ResampleArgs {
  ResampleOp op = ResampleOp::zeros;
  DType dtype = DType::float32;
  std::int64_t planes = 0;
  ResampleDim height{};
  ResampleDim width{};
  bool align_corners = false;  // of bilinear: the corners' centres lie on each other
  /// The gradient by the input from that by the output.
  bool backward = false;
  const void* from = nullptr;  // (planes, height.input, width.input); backward: of the output
  void* to = nullptr;          // the other one
};

}  // namespace wick
