// SPDX-License-Identifier: MIT
#include "wick/nn/layers/conv.h"

#include <algorithm>
#include <utility>

#include "wick/core/error.h"
#include "wick/core/ops_image.h"
#include "wick/nn/init.h"

namespace wick::nn {
namespace {

constexpr std::pair<std::string_view, ResampleOp> kPaddingModes[] = {
    {"zeros", ResampleOp::zeros},
    {"reflect", ResampleOp::reflect},
    {"replicate", ResampleOp::replicate},
    {"circular", ResampleOp::circular}};

// Of a size that has one dimension, the height does nothing.
Size2d of_dims(std::size_t dims, Size2d size, std::int64_t height) {
  return dims == 1 ? Size2d(height, size.width) : size;
}

// As Python prints a tuple of one or two.
std::string text_of(std::size_t dims, Size2d size) {
  return dims == 1 ? concat('(', size.width, ",)")
                   : concat('(', size.height, ", ", size.width, ')');
}

bool is_below(Size2d size, std::int64_t least) {
  return size.height < least || size.width < least;
}

// Of the given shape, in memory that is not that of `other`: a caller may give back what the layer
// has returned.
const Tensor& apart(Scratch& scratch, const Dims& shape, const Tensor& other) {
  const Tensor& tensor = scratch.get(shape, other.dtype(), other.device());
  if (tensor.storage() != other.storage()) return tensor;
  scratch = Scratch();
  return scratch.get(shape, other.dtype(), other.device());
}

bool wanted(const ParameterPtr& parameter) {
  return parameter != nullptr && parameter->requires_grad;
}

}  // namespace

ConvStep Convolution::step_of(std::size_t dims, std::int64_t in_channels, std::int64_t out_channels,
                              Size2d kernel, const ConvOptions& options) {
  ConvStep step;
  step.dims = dims;
  step.in_channels = in_channels;
  step.out_channels = out_channels;
  step.groups = options.groups;
  step.kernel = of_dims(dims, kernel, 1);
  step.stride = of_dims(dims, options.stride, 1);
  step.dilation = of_dims(dims, options.dilation, 1);
  return step;
}

ConvStep Convolution::transposed_step_of(std::size_t dims, std::int64_t in_channels,
                                         std::int64_t out_channels, Size2d kernel,
                                         const ConvTransposeOptions& options) {
  ConvStep step = step_of(dims, in_channels, out_channels, kernel, common_of(options));
  step.transposed = true;
  step.padding_end = of_dims(dims, options.output_padding, 0);
  return step;
}

ConvOptions Convolution::common_of(const ConvTransposeOptions& options) {
  ConvOptions common;
  common.stride = options.stride;
  common.padding = options.padding;
  common.dilation = options.dilation;
  common.groups = options.groups;
  common.bias = options.bias;
  common.dtype = options.dtype;
  common.device = options.device;
  return common;
}

void Convolution::check_sizes(const ConvOptions& options) const {
  const ConvStep& step = step_;
  if (step.in_channels < 0 || step.out_channels < 0 || step.groups < 1 ||
      step.in_channels % step.groups != 0 || step.out_channels % step.groups != 0) {
    throw ValueError(concat(type_name_,
                            ": groups must be above 0 and divide in_channels and "
                            "out_channels, got in_channels ",
                            step.in_channels, ", out_channels ", step.out_channels, " and groups ",
                            step.groups));
  }
  if (is_below(step.kernel, 1) || is_below(step.stride, 1) || is_below(step.dilation, 1) ||
      is_below(options.padding.size, 0) || is_below(step.padding_end, 0)) {
    throw ValueError(concat(type_name_,
                            ": kernel_size, stride and dilation must be at least 1 and "
                            "padding at least 0, got kernel_size ",
                            text_of(step.dims, step.kernel), ", stride ",
                            text_of(step.dims, step.stride), ", dilation ",
                            text_of(step.dims, step.dilation), " and padding ",
                            text_of(step.dims, options.padding.size)));
  }
  const auto is_large = [](std::int64_t more, std::int64_t stride, std::int64_t dilation) {
    return more >= stride && more >= dilation;
  };
  const bool large = is_large(step.padding_end.height, step.stride.height, step.dilation.height) ||
                     is_large(step.padding_end.width, step.stride.width, step.dilation.width);
  if (step.transposed && large) {
    throw ValueError(concat(type_name_, ": output_padding ", text_of(step.dims, step.padding_end),
                            " must be smaller than the stride ", text_of(step.dims, step.stride),
                            " or the dilation ", text_of(step.dims, step.dilation)));
  }
}

void Convolution::set_padding(const ConvOptions& options) {
  const auto* const mode = std::ranges::find(kPaddingModes, options.padding_mode,
                                             [](const auto& row) { return row.first; });
  if (mode == std::end(kPaddingModes)) {
    throw ValueError(concat(type_name_,
                            ": padding_mode must be \"zeros\", \"reflect\", "
                            "\"replicate\" or \"circular\", got \"",
                            options.padding_mode, '"'));
  }
  step_.padding_mode = mode->second;
  const std::string& text = padding_text_ = options.padding.text;
  if (text.empty()) {
    step_.padding = of_dims(step_.dims, options.padding.size, 0);
    if (!step_.transposed) step_.padding_end = step_.padding;
    return;
  }
  if (text != "same" && text != "valid") {
    throw ValueError(
        concat(type_name_, ": padding must be numbers, \"same\" or \"valid\", got \"", text, '"'));
  }
  if (text == "valid") return;
  if (step_.stride != Size2d(1)) {
    throw ValueError(concat(type_name_, ": padding \"same\" has no meaning with the stride ",
                            text_of(step_.dims, step_.stride), "; use numbers"));
  }
  const Size2d total((step_.kernel.height - 1) * step_.dilation.height,
                     (step_.kernel.width - 1) * step_.dilation.width);
  step_.padding = {total.height / 2, total.width / 2};
  step_.padding_end = {total.height - total.height / 2, total.width - total.width / 2};
}

Convolution::Convolution(std::string_view type_name, ConvStep step, const ConvOptions& options,
                         Generator* generator)
    : type_name_(type_name), step_(step) {
  check_sizes(options);
  set_padding(options);
  who_ = name_with_sizes();
  Dims shape = step_.transposed ? Dims{step_.in_channels, step_.out_channels / step_.groups}
                                : Dims{step_.out_channels, step_.in_channels / step_.groups};
  if (step_.dims == 2) shape.push_back(step_.kernel.height);
  shape.push_back(step_.kernel.width);
  const Tensor weight = Tensor::empty(shape, options.dtype, options.device);
  const Tensor bias =
      options.bias ? Tensor::empty({step_.out_channels}, options.dtype, options.device) : Tensor();
  // reset_parameters() of PyTorch's convolutions is that of its Linear.
  init::linear_(weight, options.bias ? &bias : nullptr,
                generator == nullptr ? default_generator(options.device) : *generator);
  weight_ = register_parameter("weight", weight);
  if (options.bias) bias_ = register_parameter("bias", bias);
}

Convolution::Convolution(const Convolution& other, ModuleCopier& copier)
    : Module(other, copier),
      type_name_(other.type_name_),
      step_(other.step_),
      padding_text_(other.padding_text_),
      who_(other.who_),
      weight_(copier(other.weight_)),
      bias_(copier(other.bias_)) {}

std::string Convolution::name_with_sizes() const {
  return concat(type_name_, '(', step_.in_channels, ", ", step_.out_channels,
                ", kernel_size=", text_of(step_.dims, step_.kernel), ')');
}

std::string Convolution::extra_repr() const {
  const auto text = [this](Size2d size) { return text_of(step_.dims, size); };
  std::string result =
      concat(step_.in_channels, ", ", step_.out_channels, ", kernel_size=", text(step_.kernel),
             ", stride=", text(step_.stride));
  if (!padding_text_.empty()) {
    result += ", padding=" + padding_text_;
  } else if (step_.padding != Size2d(0)) {
    result += ", padding=" + text(step_.padding);
  }
  if (step_.dilation != Size2d(1)) result += ", dilation=" + text(step_.dilation);
  if (step_.transposed && step_.padding_end != Size2d(0)) {
    result += ", output_padding=" + text(step_.padding_end);
  }
  if (step_.groups != 1) result += concat(", groups=", step_.groups);
  if (bias_ == nullptr) result += ", bias=False";
  for (const auto& [name, mode] : kPaddingModes) {
    if (step_.pads() && mode == step_.padding_mode) result += concat(", padding_mode=", name);
  }
  return result;
}

Tensor Convolution::forward(const Tensor& input) {
  require_input(input, weight_->value);
  const ImageSizes sizes = ImageSizes::of(who_, step_.dims, input.shape());
  const ConvShape shape = step_.shape_of(who_, sizes);
  Tensor whole = input.contiguous();
  if (step_.pads()) {
    const ops::ResampleShape pad = step_.pad_shape(sizes);
    const Tensor& padded =
        apart(padded_, sizes.shape(step_.dims, sizes.channels, pad.height.output, pad.width.output),
              whole);
    ops::resample(pad, whole, padded);
    whole = padded;
  }
  begin_forward();
  sizes_ = sizes;
  shape_ = shape;
  output_shape_ = step_.output_shape(sizes, shape);
  const Tensor& output = apart(output_, output_shape_, whole);
  const Tensor* const bias = bias_ ? &bias_->value : nullptr;
  if (step_.transposed) {
    ops::conv_input_gradient(shape, whole, weight_->value, output, bias);
  } else {
    ops::conv(shape, whole, weight_->value, output, bias);
  }
  input_ = whole;
  end_forward();
  return output;
}

void Convolution::differentiate_parameters(const Tensor& grad_output) {
  const bool transposed = step_.transposed;
  ops::ConvGradients gradients;
  gradients.bias_of_input = transposed;
  if (wanted(weight_)) {
    gradients.weight = &weight_->grad;
    gradients.accumulate_weight = weight_->has_grad;
  }
  if (wanted(bias_)) {
    gradients.bias = &bias_->grad;
    gradients.accumulate_bias = bias_->has_grad;
  }
  if (gradients.weight == nullptr && gradients.bias == nullptr) return;
  ops::conv_weight_gradient(shape_, transposed ? grad_output : *input_,
                            transposed ? *input_ : grad_output, gradients);
  if (wanted(weight_)) weight_->mark_grad_ready();
  if (wanted(bias_)) bias_->mark_grad_ready();
}

Tensor Convolution::differentiate_input(const Tensor& grad_output) {
  const Dims shape = sizes_.shape(step_.dims, sizes_.channels, sizes_.height, sizes_.width);
  const Tensor& grad_input = apart(grad_input_, shape, grad_output);
  if (step_.transposed) {
    ops::conv(shape_, grad_output, weight_->value, grad_input);
  } else if (step_.pads()) {
    const Tensor& padded = apart(grad_padded_, input_->shape(), grad_output);
    ops::conv_input_gradient(shape_, grad_output, weight_->value, padded);
    ops::resample_backward(step_.pad_shape(sizes_), padded, grad_input);
  } else {
    ops::conv_input_gradient(shape_, grad_output, weight_->value, grad_input);
  }
  return grad_input;
}

Tensor Convolution::backward(const Tensor& grad_output, bool input_grad) {
  require_gradient(grad_output, output_shape_, input_grad, &weight_->value);
  const Tensor whole = grad_output.contiguous();
  begin_backward();
  differentiate_parameters(whole);
  return input_grad ? differentiate_input(whole) : Tensor();
}

void Convolution::release_saved() noexcept {
  input_ = Tensor();
}

// The gradient by the input needs the weight alone.
void Convolution::require_saved_intact(bool /*input_grad*/) const {
  if (weight_->requires_grad) require_intact(input_, "input");
}

std::unique_ptr<Module> Conv1d::copy(ModuleCopier& copier) const {
  return std::make_unique<Conv1d>(*this, copier);
}

std::unique_ptr<Module> Conv2d::copy(ModuleCopier& copier) const {
  return std::make_unique<Conv2d>(*this, copier);
}

std::unique_ptr<Module> ConvTranspose1d::copy(ModuleCopier& copier) const {
  return std::make_unique<ConvTranspose1d>(*this, copier);
}

std::unique_ptr<Module> ConvTranspose2d::copy(ModuleCopier& copier) const {
  return std::make_unique<ConvTranspose2d>(*this, copier);
}

}  // namespace wick::nn
