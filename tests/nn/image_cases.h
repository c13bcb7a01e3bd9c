// SPDX-License-Identifier: MIT
// Makes the layers for images of the table of layers.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "wick/core/random.h"
#include "wick/nn/layers/conv.h"
#include "wick/nn/layers/pooling.h"
#include "wick/nn/layers/resample.h"

namespace wick::testing {

/// What a layer is made with. Layers without parameters need none of it.
struct LayerContext {
  Generator& generator;
  DType dtype = DType::float32;
};

/// A text as an argument of a template.
struct Word {
  char text[12] = {};
  constexpr Word() = default;
  constexpr Word(const char* from) {  // NOLINT(*-explicit-*)
    for (std::size_t i = 0; from[i] != 0; ++i) text[i] = from[i];
  }
};

struct Windows {
  nn::Size2d stride{1};
  nn::Size2d padding{0};
  Word padding_word{};
  nn::Size2d dilation{1};
  std::int64_t groups = 1;
  bool bias = true;
  Word mode{"zeros"};
};

template <int Dims, std::int64_t In, std::int64_t Out, nn::Size2d Kernel, Windows W = Windows{}>
std::unique_ptr<nn::Module> make_conv(const LayerContext& context) {
  nn::ConvOptions options;
  options.stride = W.stride;
  options.padding = W.padding;
  if (W.padding_word.text[0] != 0) options.padding = std::string_view(W.padding_word.text);
  options.dilation = W.dilation;
  options.groups = W.groups;
  options.bias = W.bias;
  options.padding_mode = W.mode.text;
  options.dtype = context.dtype;
  if constexpr (Dims == 1) {
    return std::make_unique<nn::Conv1d>(In, Out, Kernel.width, context.generator, options);
  } else {
    return std::make_unique<nn::Conv2d>(In, Out, Kernel, context.generator, options);
  }
}

template <int Dims, std::int64_t In, std::int64_t Out, nn::Size2d Kernel, Windows W = Windows{},
          nn::Size2d OutputPadding = nn::Size2d(0)>
std::unique_ptr<nn::Module> make_conv_transpose(const LayerContext& context) {
  nn::ConvTransposeOptions options;
  options.stride = W.stride;
  options.padding = W.padding;
  options.output_padding = OutputPadding;
  options.groups = W.groups;
  options.bias = W.bias;
  options.dilation = W.dilation;
  options.dtype = context.dtype;
  if constexpr (Dims == 1) {
    return std::make_unique<nn::ConvTranspose1d>(In, Out, Kernel.width, context.generator, options);
  } else {
    return std::make_unique<nn::ConvTranspose2d>(In, Out, Kernel, context.generator, options);
  }
}

/// A stride of 0 is that of the window.
template <int Dims, nn::Size2d Kernel, Windows W = Windows{.stride = 0}, bool CeilMode = false>
std::unique_ptr<nn::Module> make_max_pool(const LayerContext& /*context*/) {
  nn::MaxPoolOptions options;
  if (W.stride.width != 0) options.stride = W.stride;
  options.padding = W.padding;
  options.dilation = W.dilation;
  options.ceil_mode = CeilMode;
  if constexpr (Dims == 1) {
    return std::make_unique<nn::MaxPool1d>(Kernel.width, options);
  } else {
    return std::make_unique<nn::MaxPool2d>(Kernel, options);
  }
}

struct Averages {
  bool ceil_mode = false;
  bool count_include_pad = true;
  std::int64_t divisor = 0;  // 0: none
};

template <int Dims, nn::Size2d Kernel, Windows W, Averages A = Averages{}>
std::unique_ptr<nn::Module> make_avg_pool(const LayerContext& /*context*/) {
  nn::AvgPoolOptions options;
  options.stride = W.stride;
  options.padding = W.padding;
  options.ceil_mode = A.ceil_mode;
  options.count_include_pad = A.count_include_pad;
  if (A.divisor != 0) options.divisor_override = A.divisor;
  if constexpr (Dims == 1) {
    return std::make_unique<nn::AvgPool1d>(Kernel.width, options);
  } else {
    return std::make_unique<nn::AvgPool2d>(Kernel, options);
  }
}

/// A size of 0: by the factors.
struct Resized {
  std::int64_t height = 0;
  std::int64_t width = 0;
  double factor_height = 1.0;
  double factor_width = 1.0;
  Word mode{"nearest"};
  bool align_corners = false;
};

template <Resized R>
std::unique_ptr<nn::Module> make_upsample(const LayerContext& /*context*/) {
  nn::UpsampleOptions options;
  if (R.width != 0) {
    options.size = nn::Size2d(R.height, R.width);
  } else {
    options.scale_factor = nn::ScaleFactor(R.factor_height, R.factor_width);
  }
  options.mode = R.mode.text;
  if (R.align_corners) options.align_corners = true;
  return std::make_unique<nn::Upsample>(options);
}

}  // namespace wick::testing
