// SPDX-License-Identifier: MIT
#include "wick/nn/layers/pooling.h"

#include <utility>

#include "wick/core/error.h"
#include "wick/core/ops_image.h"

namespace wick::nn {
namespace {

// Of a window of one dimension, the height does nothing.
Size2d of_dims(std::size_t dims, Size2d size, std::int64_t height) {
  return dims == 1 ? Size2d(height, size.width) : size;
}

PoolStep max_step(std::size_t dims, Size2d kernel, const MaxPoolOptions& options) {
  PoolStep step;
  step.op = PoolOp::max;
  step.dims = dims;
  step.kernel = of_dims(dims, kernel, 1);
  step.stride = of_dims(dims, options.stride.value_or(kernel), 1);
  step.padding = of_dims(dims, options.padding, 0);
  step.dilation = of_dims(dims, options.dilation, 1);
  step.ceil_mode = options.ceil_mode;
  return step;
}

PoolStep average_step(std::size_t dims, Size2d kernel, const AvgPoolOptions& options) {
  if (options.divisor_override && (dims == 1 || *options.divisor_override == 0)) {
    throw ValueError(concat("AvgPool", dims, "d: divisor_override ", *options.divisor_override,
                            dims == 1 ? " is of AvgPool2d alone" : " must not be 0"));
  }
  PoolStep step;
  step.op = PoolOp::average;
  step.dims = dims;
  step.kernel = of_dims(dims, kernel, 1);
  step.stride = of_dims(dims, options.stride.value_or(kernel), 1);
  step.padding = of_dims(dims, options.padding, 0);
  step.ceil_mode = options.ceil_mode;
  step.count_include_pad = options.count_include_pad;
  step.divisor = options.divisor_override.value_or(0);
  return step;
}

PoolStep adaptive_step(std::string_view who, PoolOp op, std::size_t dims,
                       const AdaptiveSize& size) {
  if (size.height.value_or(0) < 0 || size.width.value_or(0) < 0) {
    throw ValueError(concat(who, ": output_size must not be negative, got ",
                            size.height.value_or(0), " x ", size.width.value_or(0)));
  }
  PoolStep step;
  step.op = op;
  step.dims = dims;
  step.output = of_dims(dims, Size2d(size.height.value_or(-1), size.width.value_or(-1)), 1);
  return step;
}

// As Python prints what the layer was made with: one number where both sizes are the same.
std::string text_of(std::size_t dims, Size2d size) {
  if (dims == 1 || size.height == size.width) return concat(size.width);
  return concat('(', size.height, ", ", size.width, ')');
}

std::string max_repr(const PoolStep& step) {
  return concat("kernel_size=", text_of(step.dims, step.kernel),
                ", stride=", text_of(step.dims, step.stride),
                ", padding=", text_of(step.dims, step.padding),
                ", dilation=", text_of(step.dims, step.dilation),
                ", ceil_mode=", python_bool(step.ceil_mode));
}

std::string adaptive_repr(const PoolStep& step) {
  const auto one = [](std::int64_t size) { return size < 0 ? std::string("None") : concat(size); };
  const bool single = step.dims == 1 || (step.output.height == step.output.width);
  return concat("output_size=",
                single && step.output.width >= 0
                    ? one(step.output.width)
                    : concat('(', one(step.output.height), ", ", one(step.output.width), ')'));
}

}  // namespace

Pooling::Pooling(std::string_view type_name, PoolStep step) : type_name_(type_name), step_(step) {
  if (is_adaptive(step.op)) return;
  const auto check = [this](std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                            std::int64_t dilation) {
    if (kernel < 1 || stride < 1 || padding < 0 || dilation < 1) {
      throw ValueError(concat(type_name_,
                              ": kernel_size, stride and dilation must be at least 1 and "
                              "padding at least 0, got ",
                              kernel, ", ", stride, ", ", dilation, " and ", padding));
    }
    if (padding > (dilation * (kernel - 1) + 1) / 2) {
      throw ValueError(concat(type_name_, ": padding ", padding,
                              " is more than half of the window, with kernel_size ", kernel,
                              " and dilation ", dilation));
    }
  };
  check(step.kernel.height, step.stride.height, step.padding.height, step.dilation.height);
  check(step.kernel.width, step.stride.width, step.padding.width, step.dilation.width);
}

Tensor Pooling::forward(const Tensor& input) {
  require_input(input);
  const ImageSizes sizes = ImageSizes::of(type_name_, step_.dims, input.shape());
  const ops::PoolShape shape = step_.shape_of(type_name_, sizes);
  const Tensor whole = input.contiguous();
  begin_forward();
  shape_ = shape;
  input_shape_ = input.shape();
  output_shape_ = sizes.shape(step_.dims, sizes.channels, shape.height.output, shape.width.output);
  dtype_ = input.dtype();
  device_ = input.device();
  if (output_tensor_.defined() && output_tensor_.storage() == whole.storage()) output_ = Scratch();
  const Tensor& output = output_tensor_ = output_.get(output_shape_, dtype_, device_);
  const Tensor* const indices =
      is_max(step_.op) ? &indices_.get(output_shape_, DType::int64, device_) : nullptr;
  ops::pool(shape, whole, output, indices);
  end_forward();
  return output;
}

Tensor Pooling::backward(const Tensor& grad_output, bool input_grad) {
  require_gradient(grad_output, output_shape_, input_grad,
                   output_tensor_.defined() ? &output_tensor_ : nullptr);
  const Tensor whole = grad_output.contiguous();
  begin_backward();
  if (!input_grad) return {};
  const Tensor* grad_input = &grad_input_.get(input_shape_, dtype_, device_);
  if (grad_input->storage() == whole.storage()) {
    grad_input_ = Scratch();
    grad_input = &grad_input_.get(input_shape_, dtype_, device_);
  }
  const Tensor* const indices =
      is_max(step_.op) ? &indices_.get(output_shape_, DType::int64, device_) : nullptr;
  ops::pool_backward(shape_, whole, *grad_input, indices);
  return *grad_input;
}

Tensor Pooling::last_indices() const {
  if (!output_tensor_.defined()) return {};
  Scratch indices = indices_;
  return indices.get(output_shape_, DType::int64, device_);
}

MaxPool2d::MaxPool2d(Size2d kernel_size, const MaxPoolOptions& options)
    : Pooling("MaxPool2d", max_step(2, kernel_size, options)) {}

MaxPool1d::MaxPool1d(std::int64_t kernel_size, const MaxPoolOptions& options)
    : Pooling("MaxPool1d", max_step(1, kernel_size, options)) {}

AvgPool2d::AvgPool2d(Size2d kernel_size, const AvgPoolOptions& options)
    : Pooling("AvgPool2d", average_step(2, kernel_size, options)) {}

AvgPool1d::AvgPool1d(std::int64_t kernel_size, const AvgPoolOptions& options)
    : Pooling("AvgPool1d", average_step(1, kernel_size, options)) {}

AdaptiveAvgPool2d::AdaptiveAvgPool2d(AdaptiveSize output_size)
    : Pooling("AdaptiveAvgPool2d",
              adaptive_step("AdaptiveAvgPool2d", PoolOp::adaptive_average, 2, output_size)) {}

AdaptiveAvgPool1d::AdaptiveAvgPool1d(std::int64_t output_size)
    : Pooling("AdaptiveAvgPool1d",
              adaptive_step("AdaptiveAvgPool1d", PoolOp::adaptive_average, 1, output_size)) {}

AdaptiveMaxPool2d::AdaptiveMaxPool2d(AdaptiveSize output_size)
    : Pooling("AdaptiveMaxPool2d",
              adaptive_step("AdaptiveMaxPool2d", PoolOp::adaptive_max, 2, output_size)) {}

std::string MaxPool2d::extra_repr() const {
  return max_repr(sizes());
}

std::string MaxPool1d::extra_repr() const {
  return max_repr(sizes());
}

std::string AvgPool2d::extra_repr() const {
  const PoolStep& step = sizes();
  return concat("kernel_size=", text_of(2, step.kernel), ", stride=", text_of(2, step.stride),
                ", padding=", text_of(2, step.padding));
}

std::string AvgPool1d::extra_repr() const {
  const PoolStep& step = sizes();
  return concat("kernel_size=(", step.kernel.width, ",), stride=(", step.stride.width,
                ",), padding=(", step.padding.width, ",)");
}

std::string AdaptiveAvgPool2d::extra_repr() const {
  return adaptive_repr(sizes());
}

std::string AdaptiveAvgPool1d::extra_repr() const {
  return adaptive_repr(sizes());
}

std::string AdaptiveMaxPool2d::extra_repr() const {
  return adaptive_repr(sizes());
}

std::unique_ptr<Module> MaxPool2d::copy(ModuleCopier& copier) const {
  return std::make_unique<MaxPool2d>(*this, copier);
}

std::unique_ptr<Module> MaxPool1d::copy(ModuleCopier& copier) const {
  return std::make_unique<MaxPool1d>(*this, copier);
}

std::unique_ptr<Module> AvgPool2d::copy(ModuleCopier& copier) const {
  return std::make_unique<AvgPool2d>(*this, copier);
}

std::unique_ptr<Module> AvgPool1d::copy(ModuleCopier& copier) const {
  return std::make_unique<AvgPool1d>(*this, copier);
}

std::unique_ptr<Module> AdaptiveAvgPool2d::copy(ModuleCopier& copier) const {
  return std::make_unique<AdaptiveAvgPool2d>(*this, copier);
}

std::unique_ptr<Module> AdaptiveAvgPool1d::copy(ModuleCopier& copier) const {
  return std::make_unique<AdaptiveAvgPool1d>(*this, copier);
}

std::unique_ptr<Module> AdaptiveMaxPool2d::copy(ModuleCopier& copier) const {
  return std::make_unique<AdaptiveMaxPool2d>(*this, copier);
}

}  // namespace wick::nn
