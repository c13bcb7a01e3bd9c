// SPDX-License-Identifier: MIT
// All layers, one row each. What holds of every layer is tested over this table: its gradients,
// allocations and threads (layer_cases_test.cpp), on a device (tests/device/layers_test.cpp) and
// beside PyTorch (tests/interop/layer_parity.py). A new layer needs a row here and nothing else to
// be in all of these.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <ostream>

#include "tests/nn/image_cases.h"
#include "tests/nn/norm_cases.h"
#include "tests/nn/sequence_cases.h"
#include "wick/core/random.h"
#include "wick/nn/layers/activation.h"
#include "wick/nn/layers/dropout.h"
#include "wick/nn/layers/prelu.h"
#include "wick/nn/layers/reshape.h"
#include "wick/nn/layers/softmax.h"

namespace wick::testing {

struct LayerCase {
  /// How PyTorch makes the same layer: an expression in torch.nn.
  const char* torch;
  std::unique_ptr<nn::Module> (*make)(const LayerContext&);
  /// The last sizes of an input, before which any others may stand; none: it takes every shape.
  Dims trailing{};
  /// Of an element's result: a function of one element, without a sum over others.
  bool pointwise = true;
  /// Its output is the input's memory, whatever the dtype.
  bool view = false;
  /// Where it is not 0, the first size is that of the samples, of which there are at least so many,
  /// and `trailing` has all others.
  std::int64_t min_samples = 0;
};

inline void PrintTo(const LayerCase& layer, std::ostream* out) {
  *out << layer.torch;
}

template <typename Layer, auto... Arguments>
std::unique_ptr<nn::Module> make_layer(const LayerContext& /*context*/) {
  return std::make_unique<Layer>(Arguments...);
}

template <std::unique_ptr<nn::Module> (*Make)(DType)>
std::unique_ptr<nn::Module> make_of(const LayerContext& context) {
  return Make(context.dtype);
}

/// One whose input is a batch of images or signals of these sizes.
inline LayerCase of_images(const char* torch,
                           std::unique_ptr<nn::Module> (*make)(const LayerContext&),
                           const Dims& trailing) {
  return {torch, make, trailing, false, false, 1};
}

inline const LayerCase kLayerCases[] = {
    {"ReLU()", make_layer<nn::ReLU>},
    {"ReLU6()", make_layer<nn::ReLU6>},
    {"LeakyReLU()", make_layer<nn::LeakyReLU>},
    {"LeakyReLU(negative_slope=-0.25)", make_layer<nn::LeakyReLU, -0.25>},
    {"ELU()", make_layer<nn::ELU>},
    {"ELU(alpha=1.7)", make_layer<nn::ELU, 1.7>},
    {"SELU()", make_layer<nn::SELU>},
    {"CELU()", make_layer<nn::CELU>},
    {"CELU(alpha=0.3)", make_layer<nn::CELU, 0.3>},
    {"CELU(alpha=-2.0)", make_layer<nn::CELU, -2.0>},
    {"GELU()", make_layer<nn::GELU>},
    {"GELU(approximate='tanh')",
     [](const LayerContext&) -> std::unique_ptr<nn::Module> {
       return std::make_unique<nn::GELU>("tanh");
     }},
    {"SiLU()", make_layer<nn::SiLU>},
    {"Mish()", make_layer<nn::Mish>},
    {"Sigmoid()", make_layer<nn::Sigmoid>},
    {"LogSigmoid()", make_layer<nn::LogSigmoid>},
    {"Tanh()", make_layer<nn::Tanh>},
    {"Hardtanh()", make_layer<nn::Hardtanh>},
    {"Hardtanh(min_val=-0.5, max_val=3.0)", make_layer<nn::Hardtanh, -0.5, 3.0>},
    {"Hardsigmoid()", make_layer<nn::Hardsigmoid>},
    {"Hardswish()", make_layer<nn::Hardswish>},
    {"Softplus()", make_layer<nn::Softplus>},
    {"Softplus(beta=2.5, threshold=4.0)", make_layer<nn::Softplus, 2.5, 4.0>},
    {"Softsign()", make_layer<nn::Softsign>},
    {"LayerNorm(37)", make_of<make_layer_norm<true, true, 37>>, {37}, false},
    {"LayerNorm((3, 5, 7))", make_of<make_layer_norm<true, true, 3, 5, 7>>, {3, 5, 7}, false},
    {"LayerNorm(64, elementwise_affine=False)",
     make_of<make_layer_norm<false, true, 64>>,
     {64},
     false},
    {"LayerNorm(21, bias=False)", make_of<make_layer_norm<true, false, 21>>, {21}, false},
    {"GroupNorm(3, 6)", make_of<make_group_norm<3, 6>>, {6, 2, 5}, false, false, 1},
    {"GroupNorm(1, 18)", make_of<make_group_norm<1, 18>>, {18}, false, false, 1},
    {"GroupNorm(2, 34, affine=False)",
     make_of<make_group_norm<2, 34, false>>,
     {34},
     false,
     false,
     1},
    {"GroupNorm(4, 4)", make_of<make_group_norm<4, 4>>, {4, 19}, false, false, 1},
    {"GroupNorm(2, 6, bias=False)",
     make_of<make_group_norm<2, 6, true, false>>,
     {6, 3},
     false,
     false,
     1},
    {"BatchNorm1d(19)", make_of<make_batch_norm<nn::BatchNorm1d, 19>>, {19}, false, false, 6},
    {"BatchNorm1d(5)", make_of<make_batch_norm<nn::BatchNorm1d, 5>>, {5, 11}, false, false, 1},
    {"BatchNorm1d(17, momentum=None)",
     make_of<make_batch_norm<nn::BatchNorm1d, 17, BatchNormKind{.momentum = 0.0}>>,
     {17},
     false,
     false,
     6},
    {"BatchNorm1d(16, affine=False)",
     make_of<make_batch_norm<nn::BatchNorm1d, 16, BatchNormKind{.affine = false}>>,
     {16},
     false,
     false,
     6},
    {"BatchNorm1d(9, track_running_stats=False).eval()",
     make_of<make_batch_norm<nn::BatchNorm1d, 9, BatchNormKind{.track = false, .eval = true}>>,
     {9},
     false,
     false,
     6},
    {"BatchNorm1d(18).eval()",
     make_of<make_batch_norm<nn::BatchNorm1d, 18, BatchNormKind{.eval = true}>>,
     {18},
     false,
     false,
     1},
    {"BatchNorm1d(7, bias=False)",
     make_of<make_batch_norm<nn::BatchNorm1d, 7, BatchNormKind{.bias = false}>>,
     {7},
     false,
     false,
     6},
    {"BatchNorm2d(3)", make_of<make_batch_norm<nn::BatchNorm2d, 3>>, {3, 4, 5}, false, false, 1},
    {"BatchNorm2d(3, momentum=0.3)",
     make_of<make_batch_norm<nn::BatchNorm2d, 3, BatchNormKind{.momentum = 0.3}>>,
     {3, 7, 3},
     false,
     false,
     1},
    {"BatchNorm2d(4).eval()",
     make_of<make_batch_norm<nn::BatchNorm2d, 4, BatchNormKind{.eval = true}>>,
     {4, 3, 3},
     false,
     false,
     1},
    {"InstanceNorm2d(3)", make_of<make_instance_norm<3>>, {3, 5, 6}, false, false, 1},
    {"InstanceNorm2d(4, affine=True, track_running_stats=True)",
     make_of<make_instance_norm<4, true, true>>,
     {4, 4, 5},
     false,
     false,
     1},
    {"InstanceNorm2d(3, affine=True, bias=False)",
     make_of<make_instance_norm<3, true, false, false, false>>,
     {3, 4, 3},
     false,
     false,
     1},
    {"InstanceNorm2d(4, track_running_stats=True).eval()",
     make_of<make_instance_norm<4, false, true, true>>,
     {4, 4, 5},
     false,
     false,
     1},
    of_images("Conv2d(3, 5, 3)", make_conv<2, 3, 5, {3}>, {3, 7, 6}),
    of_images("Conv2d(2, 7, (3, 2), stride=(2, 3), padding=(1, 2), dilation=(2, 1))",
              make_conv<2, 2, 7, {3, 2}, {.stride = {2, 3}, .padding = {1, 2}, .dilation = {2, 1}}>,
              {2, 9, 8}),
    of_images("Conv2d(6, 4, 3, stride=2, padding=1, groups=2, bias=False)",
              make_conv<2, 6, 4, {3}, {.stride = 2, .padding = 1, .groups = 2, .bias = false}>,
              {6, 6, 5}),
    of_images("Conv2d(5, 10, 3, stride=2, padding=2, groups=5)",
              make_conv<2, 5, 10, {3}, {.stride = 2, .padding = 2, .groups = 5}>, {5, 6, 5}),
    of_images("Conv2d(3, 6, 4, padding='same')", make_conv<2, 3, 6, {4}, {.padding_word = "same"}>,
              {3, 5, 4}),
    of_images("Conv2d(2, 3, 3, padding=2, padding_mode='reflect')",
              make_conv<2, 2, 3, {3}, {.padding = 2, .mode = "reflect"}>, {2, 5, 4}),
    of_images(
        "Conv2d(2, 3, (3, 5), stride=(3, 2), padding=(1, 3), padding_mode='replicate')",
        make_conv<2, 2, 3, {3, 5}, {.stride = {3, 2}, .padding = {1, 3}, .mode = "replicate"}>,
        {2, 4, 6}),
    of_images(
        "Conv2d(3, 2, (2, 3), padding='same', dilation=2, padding_mode='circular')",
        make_conv<2, 3, 2, {2, 3}, {.padding_word = "same", .dilation = 2, .mode = "circular"}>,
        {3, 4, 5}),
    of_images("Conv2d(7, 18, 1)", make_conv<2, 7, 18, {1}>, {7, 3, 3}),
    of_images("Conv2d(5, 17, 1, stride=2, padding='valid')",
              make_conv<2, 5, 17, {1}, {.stride = 2, .padding_word = "valid"}>, {5, 3, 4}),
    of_images("Conv2d(3, 19, 3, stride=2, padding=1)",
              make_conv<2, 3, 19, {3}, {.stride = 2, .padding = 1}>, {3, 5, 6}),
    of_images("Conv1d(3, 4, 5, stride=2, padding=3)",
              make_conv<1, 3, 4, {5}, {.stride = 2, .padding = 3}>, {3, 11}),
    of_images("Conv1d(4, 6, 2, padding='same', groups=2, padding_mode='reflect')",
              make_conv<1, 4, 6, {2}, {.padding_word = "same", .groups = 2, .mode = "reflect"}>,
              {4, 7}),
    of_images("ConvTranspose2d(3, 4, 3)", make_conv_transpose<2, 3, 4, {3}>, {3, 3, 4}),
    of_images(
        "ConvTranspose2d(4, 6, (3, 2), stride=(2, 3), padding=1, output_padding=(1, 2), groups=2, "
        "dilation=(2, 1))",
        make_conv_transpose<2, 4, 6, {3, 2},
                            {.stride = {2, 3}, .padding = 1, .dilation = {2, 1}, .groups = 2},
                            {1, 2}>,
        {4, 2, 3}),
    of_images("ConvTranspose1d(3, 5, 4, stride=3, padding=1, bias=False)",
              make_conv_transpose<1, 3, 5, {4}, {.stride = 3, .padding = 1, .bias = false}>,
              {3, 5}),
    of_images("MaxPool2d(2)", make_max_pool<2, {2}>, {3, 5, 7}),
    of_images(
        "MaxPool2d((3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2), ceil_mode=True)",
        make_max_pool<2, {3, 2}, {.stride = {2, 1}, .padding = {1, 0}, .dilation = {1, 2}}, true>,
        {2, 6, 5}),
    of_images("MaxPool1d(3, stride=2, padding=1)",
              make_max_pool<1, {3}, {.stride = 2, .padding = 1}>, {3, 8}),
    of_images("AvgPool2d((2, 3), divisor_override=5)",
              make_avg_pool<2, {2, 3}, {.stride = {2, 3}}, {.divisor = 5}>, {3, 5, 7}),
    of_images("AvgPool2d(3, stride=2, padding=1, ceil_mode=True)",
              make_avg_pool<2, {3}, {.stride = 2, .padding = 1}, {.ceil_mode = true}>, {2, 7, 8}),
    of_images("AvgPool2d(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False)",
              make_avg_pool<2, {3}, {.stride = 2, .padding = 1},
                            {.ceil_mode = true, .count_include_pad = false}>,
              {2, 6, 7}),
    of_images("AvgPool1d(2, padding=1)", make_avg_pool<1, {2}, {.stride = 2, .padding = 1}>,
              {2, 7}),
    of_images("AdaptiveAvgPool2d((3, 2))",
              [](const LayerContext&) -> std::unique_ptr<nn::Module> {
                return std::make_unique<nn::AdaptiveAvgPool2d>(nn::AdaptiveSize(3, 2));
              },
              {2, 7, 5}),
    of_images("AdaptiveAvgPool1d(4)", make_layer<nn::AdaptiveAvgPool1d, 4>, {3, 7}),
    of_images("AdaptiveMaxPool2d((2, 3))",
              [](const LayerContext&) -> std::unique_ptr<nn::Module> {
                return std::make_unique<nn::AdaptiveMaxPool2d>(nn::AdaptiveSize(2, 3));
              },
              {2, 5, 7}),
    of_images("Upsample(scale_factor=2.0)",
              make_upsample<{.factor_height = 2.0, .factor_width = 2.0}>, {2, 3, 4}),
    of_images("Upsample(size=(5, 3))", make_upsample<{.height = 5, .width = 3}>, {2, 4, 5}),
    of_images("Upsample(scale_factor=(1.7, 2.3), mode='bilinear')",
              make_upsample<{.factor_height = 1.7, .factor_width = 2.3, .mode = "bilinear"}>,
              {2, 4, 5}),
    of_images("Upsample(size=(7, 4), mode='bilinear', align_corners=True)",
              make_upsample<{.height = 7, .width = 4, .mode = "bilinear", .align_corners = true}>,
              {2, 3, 5}),
    of_images("ZeroPad2d((1, 2, 0, 3))",
              [](const LayerContext&) -> std::unique_ptr<nn::Module> {
                return std::make_unique<nn::ZeroPad2d>(nn::Padding2d(1, 2, 0, 3));
              },
              {2, 3, 4}),
    of_images("ZeroPad2d((-1, 2, 1, -1))",
              [](const LayerContext&) -> std::unique_ptr<nn::Module> {
                return std::make_unique<nn::ZeroPad2d>(nn::Padding2d(-1, 2, 1, -1));
              },
              {2, 4, 5}),
    of_images("PixelShuffle(2)", make_layer<nn::PixelShuffle, 2>, {8, 3, 2}),
    {"RMSNorm(37)",
     [](const LayerContext& context) -> std::
                                         unique_ptr<nn::Module> {
                                           return std::make_unique<nn::RMSNorm>(
                                               37, nn::RMSNormOptions{std::nullopt, true,
                                                                      context.dtype});
                                         },
     {37},
     false},
    {"RMSNorm((4, 9), eps=1e-4, elementwise_affine=False)",
     [](const LayerContext& context) -> std::unique_ptr<nn::Module> {
       return std::make_unique<nn::RMSNorm>(
           Dims{4, 9},
           nn::RMSNormOptions{.eps = 1e-4, .elementwise_affine = false, .dtype = context.dtype});
     },
     {4, 9},
     false},
    {"PReLU()",
     [](const LayerContext& context) -> std::
                                         unique_ptr<nn::Module> {
                                           return std::make_unique<nn::PReLU>(
                                               1, 0.25, nn::PReLUOptions{context.dtype});
                                         },
     {},
     false},
    {"Softmax(dim=-1)", make_layer<nn::Softmax, -1>, {}, false},
    {"Softmax(dim=0)", make_layer<nn::Softmax, 0>, {}, false},
    {"Softmax(dim=-2)", make_layer<nn::Softmax, -2>, {3, 5}, false},
    {"LogSoftmax(dim=-1)", make_layer<nn::LogSoftmax, -1>, {}, false},
    {"LogSoftmax(dim=0)", make_layer<nn::LogSoftmax, 0>, {}, false},
    {"LogSoftmax(dim=-2)", make_layer<nn::LogSoftmax, -2>, {3, 5}, false},
    {"Identity()", make_layer<nn::Identity>, {}, true, true},
    {"Flatten()", make_layer<nn::Flatten>, {2, 3}, false, true},
    {"Flatten(start_dim=-3, end_dim=-2)", make_layer<nn::Flatten, -3, -2>, {2, 3, 4}, false, true},
    {"Unflatten(-1, (2, -1))",
     [](const LayerContext&) -> std::
                                 unique_ptr<nn::Module> {
                                   return std::make_unique<nn::Unflatten>(-1, Dims{2, -1});
                                 },
     {6},
     false,
     true},
    {"Dropout(p=0.0)",
     [](const LayerContext& context)
         -> std::unique_ptr<
             nn::Module> { return std::make_unique<nn::Dropout>(context.generator, 0.0); },
     {},
     true,
     true},
    {"Dropout(p=0.25).eval()",
     [](const LayerContext& context) -> std::
                                         unique_ptr<nn::Module> {
                                           auto dropout = std::make_unique<nn::Dropout>(
                                               context.generator, 0.25);
                                           dropout->eval();
                                           return dropout;
                                         },
     {},
     true,
     true},
    {"RNN(6, 5, batch_first=True)", make_rnn<6, 5, 1, false, true>, {4, 6}, false, false, 1},
    {"RNN(3, 7, num_layers=2, nonlinearity='relu', bias=False, batch_first=True)",
     make_rnn<3, 7, 2, true, false>,
     {5, 3},
     false,
     false,
     1},
    {"LSTM(5, 6, batch_first=True)",
     make_recurrent<nn::LSTM, 5, 6, RecurrentKind{}>,
     {4, 5},
     false,
     false,
     1},
    {"LSTM(3, 4, num_layers=2, batch_first=True, bidirectional=True)",
     make_recurrent<nn::LSTM, 3, 4, RecurrentKind{.num_layers = 2, .bidirectional = true}>,
     {5, 3},
     false,
     false,
     1},
    {"LSTM(2, 17, bias=False, batch_first=True)",
     make_recurrent<nn::LSTM, 2, 17, RecurrentKind{.bias = false}>,
     {1, 2},
     false,
     false,
     1},
    {"GRU(5, 6, batch_first=True)",
     make_recurrent<nn::GRU, 5, 6, RecurrentKind{}>,
     {4, 5},
     false,
     false,
     1},
    {"GRU(3, 4, num_layers=2, batch_first=True, bidirectional=True)",
     make_recurrent<nn::GRU, 3, 4, RecurrentKind{.num_layers = 2, .bidirectional = true}>,
     {5, 3},
     false,
     false,
     1},
    {"GRU(3, 5, num_layers=2, bias=False, batch_first=True, dropout=0.5).eval()",
     make_recurrent<nn::GRU, 3, 5,
                    RecurrentKind{.num_layers = 2, .bias = false, .dropout = 0.5, .eval = true}>,
     {3, 3},
     false,
     false,
     1},
    {"RNNCell(6, 5)", make_rnn_cell<6, 5, true, false>, {6}, false, false, 1},
    {"RNNCell(4, 3, bias=False, nonlinearity='relu')",
     make_rnn_cell<4, 3, false, true>,
     {4},
     false,
     false,
     1},
    {"LSTMCell(6, 5)", make_cell<nn::LSTMCell, 6, 5, true>, {6}, false, false, 1},
    {"GRUCell(6, 5)", make_cell<nn::GRUCell, 6, 5, true>, {6}, false, false, 1},
    {"GRUCell(3, 9, bias=False)", make_cell<nn::GRUCell, 3, 9, false>, {3}, false, false, 1},
    {"MultiheadAttention(8, 2, batch_first=True)",
     make_attention<8, 2, true>,
     {5, 8},
     false,
     false,
     1},
    {"MultiheadAttention(6, 3, bias=False, batch_first=True)",
     make_attention<6, 3, false>,
     {7, 6},
     false,
     false,
     1},
    {"TransformerEncoderLayer(8, 2, dim_feedforward=12, dropout=0.0, batch_first=True)",
     make_encoder_layer<8, 2, 12, EncoderKind{}>,
     {5, 8},
     false,
     false,
     1},
    {"TransformerEncoderLayer(6, 1, dim_feedforward=9, dropout=0.0, activation='gelu', "
     "batch_first=True, norm_first=True, bias=False)",
     make_encoder_layer<6, 1, 9, EncoderKind{.gelu = true, .norm_first = true, .bias = false}>,
     {4, 6},
     false,
     false,
     1},
};

/// The shape of an input: `batch`, then the sizes that the layer asks for.
[[nodiscard]] inline Dims input_shape(const LayerCase& layer, const Dims& batch) {
  Dims shape = batch;
  if (layer.min_samples > 0) {
    const std::int64_t samples = element_count(batch);
    shape = {samples == 0 ? 0 : std::max(samples, layer.min_samples)};
  }
  for (const std::int64_t size : layer.trailing) shape.push_back(size);
  return shape;
}

/// Values on both sides of every kink, and none near a whole number, where kinks are; those that
/// lie near each other in memory are different, so that a window has one largest.
[[nodiscard]] inline Tensor layer_input(const Dims& shape, Generator& generator, DType dtype) {
  const Tensor x = Tensor::normal(shape, 0.0, 3.0, generator, DType::float64);
  auto* const data = x.data<double>();
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    data[i] = (static_cast<double>(static_cast<std::int64_t>(data[i] * 64.0)) + 0.5) / 64.0;
    data[i] += static_cast<double>(i % 1021) * 5e-6;
  }
  return x.to(dtype);
}

}  // namespace wick::testing
