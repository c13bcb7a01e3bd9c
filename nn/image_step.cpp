// SPDX-License-Identifier: MIT
#include "wick/nn/image_step.h"

#include <algorithm>
#include <cmath>

#include "wick/core/error.h"

namespace wick::nn {
namespace {

// "(N, C, H, W) or (C, H, W)", with the number of channels where it is known.
std::string expected(std::size_t dims, std::string_view channels) {
  const std::string_view sizes = dims == 2 ? ", H, W)" : ", L)";
  return concat("(N, ", channels, sizes, " or (", channels, sizes);
}

WindowDim window(std::int64_t input, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                 std::int64_t dilation) {
  WindowDim dim;
  dim.input = input;
  dim.kernel = kernel;
  dim.stride = stride;
  dim.padding = padding;
  dim.dilation = dilation;
  return dim;
}

// A size, and for images of two dimensions both.
std::string size_text(std::size_t dims, std::int64_t height, std::int64_t width) {
  return dims == 2 ? concat(height, " x ", width) : concat(width);
}

std::int64_t divide_up(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

// torch's pooling_output_shape.
std::int64_t pooled(const WindowDim& dim, bool ceil_mode) {
  const std::int64_t room = dim.input + 2 * dim.padding - dim.extent();
  if (room < 0) return ceil_mode && room > -dim.stride ? 1 : 0;
  std::int64_t count = (ceil_mode ? divide_up(room, dim.stride) : room / dim.stride) + 1;
  // The last window begins inside of the image or its padding in front.
  if (ceil_mode && (count - 1) * dim.stride >= dim.input + dim.padding) --count;
  return count;
}

ResampleDim padded(std::int64_t input, std::int64_t front, std::int64_t behind) {
  ResampleDim dim;
  dim.input = input;
  dim.output = input + front + behind;
  dim.padding = front;
  return dim;
}

}  // namespace

ImageSizes ImageSizes::of(std::string_view who, std::size_t dims, const Dims& input) {
  const bool single = input.size() == dims + 1;
  if (!single && input.size() != dims + 2) {
    throw ShapeError(concat(who, ": input has shape ", input, ", expected ", expected(dims, "C")));
  }
  ImageSizes sizes;
  sizes.single = single;
  sizes.samples = single ? 1 : input[0];
  sizes.channels = input[single ? 0 : 1];
  sizes.width = input.back();
  if (dims == 2) sizes.height = input[input.size() - 2];
  return sizes;
}

Dims ImageSizes::shape(std::size_t dims, std::int64_t other_channels, std::int64_t other_height,
                       std::int64_t other_width) const {
  Dims result;
  if (!single) result.push_back(samples);
  result.push_back(other_channels);
  if (dims == 2) result.push_back(other_height);
  result.push_back(other_width);
  return result;
}

ops::ResampleShape ConvStep::pad_shape(const ImageSizes& input) const {
  return {.op = padding_mode,
          .planes = input.planes(),
          .height = padded(input.height, padding.height, padding_end.height),
          .width = padded(input.width, padding.width, padding_end.width)};
}

void ConvStep::check_padding(std::string_view who, const ImageSizes& input) const {
  const bool mirrors = padding_mode == ResampleOp::reflect;
  if (!mirrors && padding_mode != ResampleOp::circular) return;
  const std::int64_t less = mirrors ? 1 : 0;  // the edge itself is not repeated
  if (std::max(padding.height, padding_end.height) > input.height - less ||
      std::max(padding.width, padding_end.width) > input.width - less) {
    throw ShapeError(concat(
        who, ": the padding of ", size_text(dims, padding_end.height, padding_end.width),
        mirrors ? " must be smaller than" : " must not be larger than", " the input, of shape ",
        input.shape(dims, input.channels, input.height, input.width), ", with this padding_mode"));
  }
}

ConvShape ConvStep::shape_of(std::string_view who, const ImageSizes& input) const {
  if (input.channels != in_channels) {
    throw ShapeError(concat(who, ": input has ", input.channels, " channels, in the shape ",
                            input.shape(dims, input.channels, input.height, input.width),
                            ", expected ", in_channels, ": ", expected(dims, concat(in_channels))));
  }
  ConvShape shape;
  shape.samples = input.samples;
  shape.channels = in_channels;
  shape.outputs = out_channels;
  shape.groups = groups;
  if (transposed) {
    std::swap(shape.channels, shape.outputs);
    const auto dim = [](std::int64_t size, std::int64_t k, std::int64_t s, std::int64_t p,
                        std::int64_t more, std::int64_t d) {
      WindowDim result = window((size - 1) * s - 2 * p + d * (k - 1) + more + 1, k, s, p, d);
      result.output = size;
      return result;
    };
    shape.height = dim(input.height, kernel.height, stride.height, padding.height,
                       padding_end.height, dilation.height);
    shape.width = dim(input.width, kernel.width, stride.width, padding.width, padding_end.width,
                      dilation.width);
    if (shape.height.input < 1 || shape.width.input < 1 || input.height < 1 || input.width < 1) {
      throw ShapeError(concat(
          who, ": the output of an input of shape ",
          input.shape(dims, input.channels, input.height, input.width), " would have size ",
          size_text(dims, shape.height.input, shape.width.input), "; use a smaller padding"));
    }
    return shape;
  }
  check_padding(who, input);
  const std::int64_t height = input.height + padding.height + padding_end.height;
  const std::int64_t width = input.width + padding.width + padding_end.width;
  shape.height = window(pads() ? height : input.height, kernel.height, stride.height,
                        pads() ? 0 : padding.height, dilation.height);
  shape.width = window(pads() ? width : input.width, kernel.width, stride.width,
                       pads() ? 0 : padding.width, dilation.width);
  if (height < shape.height.extent() || width < shape.width.extent()) {
    throw ShapeError(concat(
        who, ": the kernel of size ", size_text(dims, shape.height.extent(), shape.width.extent()),
        " (with its dilation) is larger than the padded input of size ",
        size_text(dims, height, width), ", of shape ",
        input.shape(dims, input.channels, input.height, input.width), "; use a larger padding"));
  }
  shape.height.output = (height - shape.height.extent()) / stride.height + 1;
  shape.width.output = (width - shape.width.extent()) / stride.width + 1;
  return shape;
}

Dims ConvStep::output_shape(const ImageSizes& input, const ConvShape& shape) const {
  return transposed ? input.shape(dims, shape.channels, shape.height.input, shape.width.input)
                    : input.shape(dims, shape.outputs, shape.height.output, shape.width.output);
}

ops::PoolShape PoolStep::shape_of(std::string_view who, const ImageSizes& input) const {
  ops::PoolShape shape{.op = op,
                       .planes = input.planes(),
                       .count_include_pad = count_include_pad,
                       .divisor = divisor};
  const Dims whole = input.shape(dims, input.channels, input.height, input.width);
  if (input.channels < 1 || input.height < 1 || input.width < 1) {
    throw ShapeError(concat(who, ": input has shape ", whole,
                            ", expected sizes above 0, but for the first of a batch"));
  }
  if (is_adaptive(op)) {
    shape.height.input = input.height;
    shape.width.input = input.width;
    shape.height.output = output.height < 0 ? input.height : output.height;
    shape.width.output = output.width < 0 ? input.width : output.width;
    return shape;
  }
  shape.height =
      window(input.height, kernel.height, stride.height, padding.height, dilation.height);
  shape.width = window(input.width, kernel.width, stride.width, padding.width, dilation.width);
  shape.height.output = pooled(shape.height, ceil_mode);
  shape.width.output = pooled(shape.width, ceil_mode);
  if (shape.height.output < 1 || shape.width.output < 1) {
    throw ShapeError(concat(who, ": the window of size ",
                            size_text(dims, shape.height.extent(), shape.width.extent()),
                            " is larger than the padded input of shape ", whole));
  }
  return shape;
}

ops::ResampleShape ResampleStep::shape_of(std::string_view who, const ImageSizes& input) const {
  ops::ResampleShape shape{.op = op, .planes = input.planes(), .align_corners = align_corners};
  const Dims whole = input.shape(dims, input.channels, input.height, input.width);
  if (op != ResampleOp::nearest && op != ResampleOp::bilinear) {
    shape.height = padded(input.height, padding.height, padding_end.height);
    shape.width = padded(input.width, padding.width, padding_end.width);
    if (shape.height.output < 0 || shape.width.output < 0) {
      throw ShapeError(concat(who, ": the padding leaves nothing of an input of shape ", whole));
    }
    return shape;
  }
  const auto resized = [this](std::int64_t in, std::int64_t wanted, double factor) {
    ResampleDim dim;
    dim.input = in;
    dim.output =
        size ? wanted : static_cast<std::int64_t>(std::floor(static_cast<double>(in) * factor));
    if (op == ResampleOp::bilinear && align_corners) {
      dim.scale =
          dim.output > 1 ? static_cast<double>(in - 1) / static_cast<double>(dim.output - 1) : 0.0;
    } else {
      dim.scale =
          size ? static_cast<double>(in) / static_cast<double>(std::max<std::int64_t>(wanted, 1))
               : 1.0 / factor;
    }
    return dim;
  };
  shape.height =
      dims == 2 ? resized(input.height, size ? size->height : 0, factor_height) : ResampleDim{};
  shape.width = resized(input.width, size ? size->width : 0, factor_width);
  if (input.channels < 1 || input.height < 1 || input.width < 1 || shape.height.output < 1 ||
      shape.width.output < 1) {
    throw ShapeError(concat(who, ": an input of shape ", whole, " would have size ",
                            size_text(dims, shape.height.output, shape.width.output),
                            "; both must be above 0"));
  }
  return shape;
}

}  // namespace wick::nn
