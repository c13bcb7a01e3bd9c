// SPDX-License-Identifier: MIT
#include "wick/core/ops_image.h"

#include "core/op_checks.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"

namespace wick::ops {
namespace {

// What is checked of all tensors of one operation, of which `first` is one.
class Checks {
 public:
  Checks(const char* operation, const Tensor& first) : operation_(operation), first_(first) {
    if (first.dtype() != DType::float32 && first.dtype() != DType::float64) {
      throw DTypeError(concat(operation, ": expected float32 or float64, got ", first,
                              "; convert with to(DType)"));
    }
  }

  void* data(const char* what, const Tensor& tensor, std::int64_t count) const {
    if (tensor.dtype() != first_.dtype()) {
      throw DTypeError(
          concat(operation_, ": there are ", first_, " and ", tensor, "; convert with to(DType)"));
    }
    return any(what, tensor, count);
  }
  void* data(const char* what, const Tensor* tensor, std::int64_t count) const {
    return tensor == nullptr ? nullptr : data(what, *tensor, count);
  }
  void* any(const char* what, const Tensor& tensor, std::int64_t count) const {
    checks::require_same_device(operation_, first_, tensor);
    checks::require_contiguous(operation_, tensor);
    if (tensor.numel() != count) {
      throw ShapeError(
          concat(operation_, ": ", what, " must have ", count, " elements, got ", tensor));
    }
    return tensor.raw();
  }
  void apart(const Tensor* out, std::initializer_list<const Tensor*> others) const {
    if (out == nullptr) return;
    checks::require_apart(operation_, *out);
    for (const Tensor* const other : others) {
      checks::require_one_apart(operation_, *out, other);
    }
  }

 private:
  const char* operation_;
  const Tensor& first_;
};

void check_window(const char* operation, const WindowDim& dim) {
  if (dim.input < 0 || dim.output < 0 || dim.kernel < 1 || dim.stride < 1 || dim.dilation < 1 ||
      dim.padding < 0) {
    throw ShapeError(concat(operation, ": there is no window with input ", dim.input, ", output ",
                            dim.output, ", kernel ", dim.kernel, ", stride ", dim.stride,
                            ", padding ", dim.padding, " and dilation ", dim.dilation));
  }
}

void check_shape(const char* operation, const ConvShape& shape) {
  check_window(operation, shape.height);
  check_window(operation, shape.width);
  const bool divides =
      shape.groups > 0 && shape.channels % shape.groups == 0 && shape.outputs % shape.groups == 0;
  if (shape.samples < 0 || shape.channels < 0 || shape.outputs < 0 || !divides) {
    throw ShapeError(concat(operation, ": ", shape.channels, " channels to ", shape.outputs,
                            " are not to be had in ", shape.groups,
                            " groups, which must divide both"));
  }
}

ConvArgs conv_args(ConvOp op, const ConvShape& shape, const Checks& checks, const Tensor& input,
                   const Tensor* weight, const Tensor& output) {
  ConvArgs args{.op = op, .dtype = input.dtype(), .shape = shape};
  args.input =
      checks.data("the input", input, shape.samples * shape.channels * shape.input_plane());
  args.weight = checks.data("the weight", weight, shape.outputs * shape.depth());
  args.output =
      checks.data("the output", output, shape.samples * shape.outputs * shape.output_plane());
  return args;
}

PoolArgs pool_args(const char* operation, const PoolShape& shape, const Tensor& input,
                   const Tensor& output, const Tensor* indices) {
  const Checks checks(operation, input);
  if (!is_adaptive(shape.op)) {
    check_window(operation, shape.height);
    check_window(operation, shape.width);
  }
  const std::int64_t outputs = shape.planes * shape.height.output * shape.width.output;
  const std::int64_t inputs = shape.planes * shape.height.input * shape.width.input;
  if (shape.planes < 0 || (outputs > 0 && inputs == 0)) {
    throw ShapeError(concat(operation, ": ", input, " has no elements to pool"));
  }
  PoolArgs args{.op = shape.op,
                .dtype = input.dtype(),
                .planes = shape.planes,
                .height = shape.height,
                .width = shape.width,
                .count_include_pad = shape.count_include_pad,
                .divisor = shape.divisor};
  static_cast<void>(checks.data("the input", input, inputs));
  static_cast<void>(checks.data("the output", output, outputs));
  if (is_max(shape.op) != (indices != nullptr)) {
    throw ValueError(concat(operation, is_max(shape.op) ? ": needs" : ": has no", " indices"));
  }
  if (indices != nullptr) {
    checks::require_dtype(operation, *indices, DType::int64);
    args.indices = static_cast<std::int64_t*>(checks.any("indices", *indices, outputs));
  }
  return args;
}

void check_padding(const ResampleShape& shape, const ResampleDim& dim) {
  const std::int64_t behind = dim.output - dim.input - dim.padding;
  const bool mirrors = shape.op == ResampleOp::reflect;
  const std::int64_t most = mirrors ? dim.input - 1 : dim.input;
  const bool bounded = mirrors || shape.op == ResampleOp::circular;
  const bool is_pad = shape.op != ResampleOp::nearest && shape.op != ResampleOp::bilinear;
  if (bounded && (dim.padding > most || behind > most)) {
    throw ShapeError(concat(name_of(shape.op), ": a padding of ", dim.padding, " and ", behind,
                            " is too large for a size of ", dim.input, "; at most ", most));
  }
  if (is_pad && shape.op != ResampleOp::zeros && (dim.padding < 0 || behind < 0)) {
    throw ShapeError(
        concat(name_of(shape.op), ": a padding of ", dim.padding, " and ", behind, " is negative"));
  }
  if (dim.output < 0 || dim.input < 0 ||
      (shape.op != ResampleOp::zeros && dim.input == 0 && dim.output > 0)) {
    throw ShapeError(concat(name_of(shape.op), ": there is no image of size ", dim.output,
                            " from one of ", dim.input));
  }
}

ResampleArgs resample_args(const ResampleShape& shape, const Tensor& input, const Tensor& output) {
  const char* const operation = name_of(shape.op);
  const Checks checks(operation, input);
  check_padding(shape, shape.height);
  check_padding(shape, shape.width);
  static_cast<void>(
      checks.data("the input", input, shape.planes * shape.height.input * shape.width.input));
  static_cast<void>(
      checks.data("the output", output, shape.planes * shape.height.output * shape.width.output));
  return {.op = shape.op,
          .dtype = input.dtype(),
          .planes = shape.planes,
          .height = shape.height,
          .width = shape.width,
          .align_corners = shape.align_corners};
}

}  // namespace

void conv(const ConvShape& shape, const Tensor& input, const Tensor& weight, const Tensor& output,
          const Tensor* bias) {
  const char* const operation = name_of(ConvOp::forward);
  check_shape(operation, shape);
  const Checks checks(operation, input);
  ConvArgs args = conv_args(ConvOp::forward, shape, checks, input, &weight, output);
  args.bias = checks.data("the bias", bias, shape.outputs);
  checks.apart(&output, {&input, &weight, bias});
  checks::will_write({&output});
  input.backend().conv(args);
}

void conv_input_gradient(const ConvShape& shape, const Tensor& output, const Tensor& weight,
                         const Tensor& input, const Tensor* bias) {
  const char* const operation = name_of(ConvOp::input_gradient);
  check_shape(operation, shape);
  const Checks checks(operation, input);
  ConvArgs args = conv_args(ConvOp::input_gradient, shape, checks, input, &weight, output);
  args.bias = checks.data("the bias", bias, shape.channels);
  checks.apart(&input, {&output, &weight, bias});
  checks::will_write({&input});
  input.backend().conv(args);
}

void conv_weight_gradient(const ConvShape& shape, const Tensor& input, const Tensor& output,
                          const ConvGradients& gradients) {
  const char* const operation = name_of(ConvOp::weight_gradient);
  check_shape(operation, shape);
  const Checks checks(operation, input);
  ConvArgs args =
      conv_args(ConvOp::weight_gradient, shape, checks, input, gradients.weight, output);
  args.bias_of_input = gradients.bias_of_input;
  args.bias = checks.data("the gradient by the bias", gradients.bias,
                          gradients.bias_of_input ? shape.channels : shape.outputs);
  args.accumulate_weight = gradients.accumulate_weight;
  args.accumulate_bias = gradients.accumulate_bias;
  checks.apart(gradients.weight, {&input, &output, gradients.bias});
  checks.apart(gradients.bias, {&input, &output});
  checks::will_write({gradients.weight, gradients.bias});
  if (args.weight != nullptr || args.bias != nullptr) input.backend().conv(args);
}

void pool(const PoolShape& shape, const Tensor& input, const Tensor& output,
          const Tensor* indices) {
  const char* const operation = name_of(shape.op);
  PoolArgs args = pool_args(operation, shape, input, output, indices);
  checks::require_apart(operation, output, input, indices);
  args.from = input.raw();
  args.to = output.raw();
  checks::will_write({&output, indices});
  input.backend().pool(args);
}

void pool_backward(const PoolShape& shape, const Tensor& grad_output, const Tensor& grad_input,
                   const Tensor* indices) {
  const char* const operation = name_of(shape.op);
  PoolArgs args = pool_args(operation, shape, grad_input, grad_output, indices);
  checks::require_apart(operation, grad_input, grad_output, indices);
  args.backward = true;
  args.from = grad_output.raw();
  args.to = grad_input.raw();
  checks::will_write({&grad_input});
  grad_input.backend().pool(args);
}

void resample(const ResampleShape& shape, const Tensor& input, const Tensor& output) {
  ResampleArgs args = resample_args(shape, input, output);
  checks::require_apart(name_of(shape.op), output, input);
  args.from = input.raw();
  args.to = output.raw();
  checks::will_write({&output});
  input.backend().resample(args);
}

void resample_backward(const ResampleShape& shape, const Tensor& grad_output,
                       const Tensor& grad_input) {
  ResampleArgs args = resample_args(shape, grad_input, grad_output);
  checks::require_apart(name_of(shape.op), grad_input, grad_output);
  args.backward = true;
  args.from = grad_output.raw();
  args.to = grad_input.raw();
  checks::will_write({&grad_input});
  grad_input.backend().resample(args);
}

}  // namespace wick::ops
