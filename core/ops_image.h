// SPDX-License-Identifier: MIT
// Operations on images; see core/ops.h for what holds of all operations. Tensors are contiguous, of
// one dtype, float32 or float64, and have as many elements as the shape says, in any shape. Errors
// name the operation and the tensors; nothing has changed then.
#pragma once

#include "wick/core/backend/image.h"
#include "wick/core/compiler.h"
#include "wick/core/tensor.h"

namespace wick::ops {

/// output = the convolution of `input` with `weight`, plus `bias` (outputs) unless it is null:
/// torch.nn.functional.conv2d. Throws ShapeError for a shape whose groups do not divide the
/// channels, or with a stride or dilation below 1.
WICK_API void conv(const ConvShape& shape, const Tensor& input, const Tensor& weight,
                   const Tensor& output, const Tensor* bias = nullptr);

/// input = the gradient by conv()'s input from that by its output, plus `bias` (channels) unless it
/// is null: with one, torch.nn.functional.conv_transpose2d of `output`.
WICK_API void conv_input_gradient(const ConvShape& shape, const Tensor& output,
                                  const Tensor& weight, const Tensor& input,
                                  const Tensor* bias = nullptr);

/// What is null is not wanted.
struct ConvGradients {
  const Tensor* weight = nullptr;
  const Tensor* bias = nullptr;  // (outputs), or with bias_of_input (channels)
  bool accumulate_weight = false;
  bool accumulate_bias = false;
  /// The bias is that of a transposed convolution, whose output is `input`.
  bool bias_of_input = false;
};
/// The gradients by conv()'s weight and bias from `input` and the gradient by the output.
WICK_API void conv_weight_gradient(const ConvShape& shape, const Tensor& input,
                                   const Tensor& output, const ConvGradients& gradients);

/// What a pooling is, without its tensors: see PoolArgs.
struct PoolShape {
  PoolOp op = PoolOp::max;
  std::int64_t planes = 0;
  WindowDim height{};
  WindowDim width{};
  bool count_include_pad = true;
  std::int64_t divisor = 0;
};
/// output = `input` pooled. `indices` (int64, of the output's size) receives which element of its
/// plane each maximum is, or -1 where a window has none; needed of max and null of the others.
WICK_API void pool(const PoolShape& shape, const Tensor& input, const Tensor& output,
                   const Tensor* indices = nullptr);
/// The gradient by the input, with the indices that pool() has left.
WICK_API void pool_backward(const PoolShape& shape, const Tensor& grad_output,
                            const Tensor& grad_input, const Tensor* indices = nullptr);

/// What a padding or resizing is, without its tensors: see ResampleArgs.
struct ResampleShape {
  ResampleOp op = ResampleOp::zeros;
  std::int64_t planes = 0;
  ResampleDim height{};
  ResampleDim width{};
  bool align_corners = false;
};
/// output = `input` padded or resized. Throws ShapeError for a reflection that reaches beyond the
/// image, and for a circular padding that is larger than it.
WICK_API void resample(const ResampleShape& shape, const Tensor& input, const Tensor& output);
/// The gradient by the input.
WICK_API void resample_backward(const ResampleShape& shape, const Tensor& grad_output,
                                const Tensor& grad_input);

}  // namespace wick::ops
