// SPDX-License-Identifier: MIT
#include "nn/image_modules.h"

#include <optional>
#include <vector>

#include "wick/core/error.h"
#include "wick/nn/layers/conv.h"
#include "wick/nn/layers/pooling.h"
#include "wick/nn/layers/resample.h"

namespace wick::nn {
namespace {

using ModulePtr = std::unique_ptr<Module>;

[[noreturn]] void refuse(const ModuleOptions& options, std::string_view key,
                         std::string_view wanted) {
  throw ValueError(concat(options.type_name(), ": the argument '", key, "' must be ", wanted));
}

// An int, or a sequence of as many as there are dimensions; none where it is None or absent.
std::optional<Size2d> size(ModuleOptions& options, std::string_view key, std::size_t dims) {
  const std::vector<std::optional<std::int64_t>> sizes = options.optional_sizes(key);
  if (sizes.empty()) return std::nullopt;
  const bool fits = sizes.size() == 1 || sizes.size() == dims;
  if (!fits || !sizes.front() || !sizes.back()) {
    refuse(options, key, dims == 1 ? "an int" : "an int or two of them");
  }
  return Size2d(*sizes.front(), *sizes.back());
}

Size2d size(ModuleOptions& options, std::string_view key, std::size_t dims, Size2d otherwise) {
  return size(options, key, dims).value_or(otherwise);
}

Size2d required_size(ModuleOptions& options, std::string_view key, std::size_t dims) {
  const std::optional<Size2d> found = size(options, key, dims);
  if (!found) refuse(options, key, "given");
  return *found;
}

template <typename Layer, typename Kernel, typename Options>
ModulePtr with_generator(ModuleOptions& options, std::int64_t in, std::int64_t out, Kernel kernel,
                         Generator* generator, const Options& more) {
  // Before anything is drawn.
  options.require_all_taken();
  return generator == nullptr ? std::make_unique<Layer>(in, out, kernel, more)
                              : std::make_unique<Layer>(in, out, kernel, *generator, more);
}

ConvOptions conv_options(ModuleOptions& options, std::size_t dims) {
  ConvOptions more;
  more.stride = size(options, "stride", dims, more.stride);
  if (options.is_text("padding")) {
    more.padding = std::string_view(options.text("padding", ""));
    if (more.padding.text.empty()) refuse(options, "padding", "numbers, 'same' or 'valid'");
  } else {
    more.padding = size(options, "padding", dims, more.padding.size);
  }
  more.dilation = size(options, "dilation", dims, more.dilation);
  more.groups = options.integer("groups", more.groups);
  more.bias = options.flag("bias", more.bias);
  more.padding_mode = options.text("padding_mode", more.padding_mode);
  more.dtype = options.dtype();
  more.device = options.device();
  return more;
}

ConvTransposeOptions transpose_options(ModuleOptions& options, std::size_t dims) {
  ConvTransposeOptions more;
  more.stride = size(options, "stride", dims, more.stride);
  more.padding = size(options, "padding", dims, more.padding);
  more.output_padding = size(options, "output_padding", dims, more.output_padding);
  more.groups = options.integer("groups", more.groups);
  more.bias = options.flag("bias", more.bias);
  more.dilation = size(options, "dilation", dims, more.dilation);
  if (options.text("padding_mode", "zeros") != "zeros") {
    refuse(options, "padding_mode", "'zeros', the only one that there is");
  }
  more.dtype = options.dtype();
  more.device = options.device();
  return more;
}

MaxPoolOptions max_options(ModuleOptions& options, std::size_t dims) {
  MaxPoolOptions more;
  more.stride = size(options, "stride", dims);
  more.padding = size(options, "padding", dims, more.padding);
  more.dilation = size(options, "dilation", dims, more.dilation);
  // A module has one output; the layer keeps the indices.
  options.require_only("return_indices", false);
  more.ceil_mode = options.flag("ceil_mode", more.ceil_mode);
  return more;
}

AvgPoolOptions average_options(ModuleOptions& options, std::size_t dims) {
  AvgPoolOptions more;
  more.stride = size(options, "stride", dims);
  more.padding = size(options, "padding", dims, more.padding);
  more.ceil_mode = options.flag("ceil_mode", more.ceil_mode);
  more.count_include_pad = options.flag("count_include_pad", more.count_include_pad);
  if (dims == 2) more.divisor_override = options.optional_integer("divisor_override");
  return more;
}

AdaptiveSize adaptive_size(ModuleOptions& options) {
  const auto sizes = options.optional_sizes("output_size");
  if (sizes.empty()) return {std::nullopt, std::nullopt};
  if (sizes.size() > 2) refuse(options, "output_size", "an int or two of them");
  return {sizes.front(), sizes.back()};
}

}  // namespace

ModulePtr make_conv1d(ModuleOptions& options, Generator* generator) {
  const std::int64_t in = options.integer("in_channels");
  const std::int64_t out = options.integer("out_channels");
  const std::int64_t kernel = required_size(options, "kernel_size", 1).width;
  return with_generator<Conv1d>(options, in, out, kernel, generator, conv_options(options, 1));
}

ModulePtr make_conv2d(ModuleOptions& options, Generator* generator) {
  const std::int64_t in = options.integer("in_channels");
  const std::int64_t out = options.integer("out_channels");
  const Size2d kernel = required_size(options, "kernel_size", 2);
  return with_generator<Conv2d>(options, in, out, kernel, generator, conv_options(options, 2));
}

ModulePtr make_conv_transpose1d(ModuleOptions& options, Generator* generator) {
  const std::int64_t in = options.integer("in_channels");
  const std::int64_t out = options.integer("out_channels");
  const std::int64_t kernel = required_size(options, "kernel_size", 1).width;
  return with_generator<ConvTranspose1d>(options, in, out, kernel, generator,
                                         transpose_options(options, 1));
}

ModulePtr make_conv_transpose2d(ModuleOptions& options, Generator* generator) {
  const std::int64_t in = options.integer("in_channels");
  const std::int64_t out = options.integer("out_channels");
  const Size2d kernel = required_size(options, "kernel_size", 2);
  return with_generator<ConvTranspose2d>(options, in, out, kernel, generator,
                                         transpose_options(options, 2));
}

ModulePtr make_max_pool1d(ModuleOptions& options, Generator* /*generator*/) {
  const std::int64_t kernel = required_size(options, "kernel_size", 1).width;
  return std::make_unique<MaxPool1d>(kernel, max_options(options, 1));
}

ModulePtr make_max_pool2d(ModuleOptions& options, Generator* /*generator*/) {
  const Size2d kernel = required_size(options, "kernel_size", 2);
  return std::make_unique<MaxPool2d>(kernel, max_options(options, 2));
}

ModulePtr make_avg_pool1d(ModuleOptions& options, Generator* /*generator*/) {
  const std::int64_t kernel = required_size(options, "kernel_size", 1).width;
  return std::make_unique<AvgPool1d>(kernel, average_options(options, 1));
}

ModulePtr make_avg_pool2d(ModuleOptions& options, Generator* /*generator*/) {
  const Size2d kernel = required_size(options, "kernel_size", 2);
  return std::make_unique<AvgPool2d>(kernel, average_options(options, 2));
}

ModulePtr make_adaptive_avg_pool1d(ModuleOptions& options, Generator* /*generator*/) {
  return std::make_unique<AdaptiveAvgPool1d>(required_size(options, "output_size", 1).width);
}

ModulePtr make_adaptive_avg_pool2d(ModuleOptions& options, Generator* /*generator*/) {
  return std::make_unique<AdaptiveAvgPool2d>(adaptive_size(options));
}

ModulePtr make_adaptive_max_pool2d(ModuleOptions& options, Generator* /*generator*/) {
  const AdaptiveSize sizes = adaptive_size(options);
  options.require_only("return_indices", false);
  return std::make_unique<AdaptiveMaxPool2d>(sizes);
}

ModulePtr make_pixel_shuffle(ModuleOptions& options, Generator* /*generator*/) {
  return std::make_unique<PixelShuffle>(options.integer("upscale_factor"));
}

ModulePtr make_upsample(ModuleOptions& options, Generator* /*generator*/) {
  UpsampleOptions more;
  more.size = size(options, "size", 2);
  const std::vector<double> factors = options.numbers("scale_factor");
  if (factors.size() > 2) refuse(options, "scale_factor", "a number or two of them");
  if (!factors.empty()) more.scale_factor = ScaleFactor(factors.front(), factors.back());
  more.mode = options.text("mode", more.mode);
  more.align_corners = options.optional_flag("align_corners");
  options.require_only("recompute_scale_factor", nullptr);
  return std::make_unique<Upsample>(more);
}

ModulePtr make_zero_pad2d(ModuleOptions& options, Generator* /*generator*/) {
  const Dims padding = options.sizes("padding");
  if (padding.size() == 1) return std::make_unique<ZeroPad2d>(padding[0]);
  if (padding.size() != 4) refuse(options, "padding", "an int or four of them");
  return std::make_unique<ZeroPad2d>(Padding2d(padding[0], padding[1], padding[2], padding[3]));
}

}  // namespace wick::nn
