// SPDX-License-Identifier: MIT
// Convolutions: what the table of layers does not say, and sizes that it does not have.
#include "wick/nn/layers/conv.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/ops_image.h"
#include "wick/kernels/devices.h"
#include "wick/nn/inference_plan.h"
#include "wick/nn/layers/activation.h"
#include "wick/nn/layers/batch_norm.h"
#include "wick/nn/layers/linear.h"
#include "wick/nn/layers/pooling.h"
#include "wick/nn/layers/reshape.h"
#include "wick/nn/sequential.h"

namespace wick::nn {
namespace {

using testing::expect_throw_with;

TEST(Conv, StartsWithPyTorchsNumbers) {
  // torch.manual_seed(7); layer = nn.Conv2d(2, 3, (2, 3))
  Generator generator(7);
  const Conv2d conv(2, 3, {2, 3}, generator);
  const std::vector<float> weight = conv.weight()->value.to_vector<float>();
  EXPECT_EQ(weight.size(), 36U);
  EXPECT_FLOAT_EQ(weight[0], 0.020162537693977356F);
  EXPECT_FLOAT_EQ(weight[5], -0.04326581582427025F);
  EXPECT_FLOAT_EQ(conv.bias()->value.at<float>({2}), -0.07262946665287018F);
  // torch.manual_seed(7); layer = nn.ConvTranspose1d(4, 6, 3, groups=2)
  generator.manual_seed(7);
  const ConvTranspose1d transposed(4, 6, 3, generator, {.groups = 2});
  EXPECT_EQ(transposed.weight()->value.shape(), (Dims{4, 3, 3}));
  EXPECT_FLOAT_EQ(transposed.weight()->value.at<float>({0, 1, 0}), 0.10459351539611816F);
  EXPECT_FLOAT_EQ(transposed.bias()->value.at<float>({0}), -0.0741720199584961F);
}

TEST(Conv, PrintsAsInPyTorch) {
  Generator generator(1);
  EXPECT_EQ(Conv2d(3, 5, 3, generator).extra_repr(), "3, 5, kernel_size=(3, 3), stride=(1, 1)");
  ConvOptions options;
  options.stride = 2;
  options.padding = 1;
  options.dilation = {1, 2};
  options.groups = 2;
  options.bias = false;
  options.padding_mode = "reflect";
  EXPECT_EQ(Conv2d(2, 4, {3, 1}, generator, options).extra_repr(),
            "2, 4, kernel_size=(3, 1), stride=(2, 2), padding=(1, 1), dilation=(1, 2), groups=2, "
            "bias=False, padding_mode=reflect");
  EXPECT_EQ(Conv1d(3, 4, 2, generator, {.padding = "same"}).extra_repr(),
            "3, 4, kernel_size=(2,), stride=(1,), padding=same");
  EXPECT_EQ(ConvTranspose2d(3, 4, 3, generator, {.stride = 2, .padding = 1, .output_padding = 1})
                .extra_repr(),
            "3, 4, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), output_padding=(1, 1)");
}

TEST(Conv, RefusesArgumentsThatNameTheValues) {
  Generator generator(1);
  const auto conv = [&](std::int64_t in, std::int64_t out, Size2d kernel, ConvOptions options) {
    return [=, &generator] { (void)Conv2d(in, out, kernel, generator, options); };
  };
  expect_throw_with<ValueError>(conv(4, 6, 3, {.groups = 4}), "groups 4");
  expect_throw_with<ValueError>(conv(4, 6, 3, {.groups = 0}), "groups 0");
  expect_throw_with<ValueError>(conv(4, 6, 0, {}), "kernel_size (0, 0)");
  expect_throw_with<ValueError>(conv(4, 6, 3, {.stride = {1, 0}}), "stride (1, 0)");
  expect_throw_with<ValueError>(conv(4, 6, 3, {.padding = -1}), "padding (-1, -1)");
  expect_throw_with<ValueError>(conv(4, 6, 3, {.padding = "both"}), "\"both\"");
  expect_throw_with<ValueError>(conv(4, 6, 3, {.stride = 2, .padding = "same"}), "stride (2, 2)");
  expect_throw_with<ValueError>(conv(4, 6, 3, {.padding_mode = "mirror"}), "\"mirror\"");
  expect_throw_with<ValueError>(
      [&] { (void)ConvTranspose1d(2, 3, 3, generator, {.stride = 2, .output_padding = 2}); },
      "output_padding (2,)");
}

TEST(Conv, RefusesInputsAndChangesNothing) {
  Generator generator(1);
  Conv2d conv(3, 5, 3, generator, {.padding = 1});
  const Tensor x = Tensor::normal({2, 3, 4, 5}, 0.0, 1.0, generator);
  const Tensor y = conv.forward(x).clone();
  const Tensor grad = Tensor::ones(y.shape());
  expect_throw_with<ShapeError>(
      [&] {
        (void)conv.forward(Tensor::zeros({2, 4, 4, 5}));
      },
      "Conv2d(3, 5, kernel_size=(3, 3)): input has 4 channels");
  expect_throw_with<ShapeError>([&] { (void)conv.forward(Tensor::zeros({3, 4})); }, "[3, 4]");
  expect_throw_with<ShapeError>(
      [&] {
        (void)conv.forward(Tensor::zeros({2, 3, 4, 0}));
      },
      "the kernel of size 3 x 3");
  expect_throw_with<DTypeError>([&] { (void)conv.forward(x.to(DType::float64)); }, "float64");
  // What was saved is still there.
  const Tensor dx = conv.backward(grad).clone();
  (void)conv.forward(x);
  EXPECT_TRUE(bitwise_equal(conv.backward(grad), dx));
  Conv2d large(3, 5, {5, 2}, generator, {.dilation = {2, 1}});
  expect_throw_with<ShapeError>(
      [&] {
        (void)large.forward(Tensor::zeros({2, 3, 8, 8}));
      },
      "9 x 2 (with its dilation) is larger than the padded input of "
      "size 8 x 8");
  Conv1d reflecting(2, 2, 3, generator, {.padding = 4, .padding_mode = "reflect"});
  expect_throw_with<ShapeError>(
      [&] {
        (void)reflecting.forward(Tensor::zeros({2, 2, 4}));
      },
      "the padding of 4 must be smaller than the input");
}

TEST(Conv, OneSampleNeedsNoBatch) {
  Generator generator(1);
  Conv2d conv(3, 5, 3, generator);
  const Tensor x = Tensor::normal({1, 3, 6, 5}, 0.0, 1.0, generator);
  const Tensor y = conv.forward(x).clone();
  const Tensor grad = Tensor::normal(y.shape(), 0.0, 1.0, generator);
  const Tensor dx = conv.backward(grad).clone();
  EXPECT_EQ(conv.forward(x[0]).shape(), (Dims{5, 4, 3}));
  EXPECT_TRUE(bitwise_equal(conv.forward(x[0]), y[0]));
  EXPECT_TRUE(bitwise_equal(conv.backward(grad[0]), dx[0]));
}

TEST(Conv, FrozenParametersCostNothingAndKeepTheirGradient) {
  Generator generator(1);
  Conv2d conv(3, 5, 3, generator);
  conv.weight()->requires_grad = false;
  const Tensor x = Tensor::normal({2, 3, 6, 5}, 0.0, 1.0, generator);
  const Tensor grad = Tensor::ones(conv.forward(x).shape());
  (void)conv.backward(grad);
  EXPECT_FALSE(conv.weight()->has_grad);
  EXPECT_TRUE(conv.bias()->has_grad);
  EXPECT_NEAR(conv.bias()->grad.at<float>({0}), 2 * 4 * 3, 1e-5);
}

// Sums as they stand in the definition.
struct Reference {
  std::vector<double> output;
  std::vector<double> grad_input;
  std::vector<double> grad_weight;
};

Reference reference(const ConvShape& s, const Tensor& input, const Tensor& weight,
                    const Tensor& grad) {
  const std::vector<double> x = input.to(DType::float64).to_vector<double>();
  const std::vector<double> w = weight.to(DType::float64).to_vector<double>();
  const std::vector<double> g = grad.to(DType::float64).to_vector<double>();
  Reference r{std::vector<double>(g.size()), std::vector<double>(x.size()),
              std::vector<double>(w.size())};
  const std::int64_t channels = s.group_channels();
  std::size_t out = 0;
  for (std::int64_t n = 0; n < s.samples; ++n) {
    for (std::int64_t o = 0; o < s.outputs; ++o) {
      const std::int64_t first = o / s.group_outputs() * channels;
      for (std::int64_t y = 0; y < s.height.output; ++y) {
        for (std::int64_t col = 0; col < s.width.output; ++col, ++out) {
          for (std::int64_t c = 0; c < channels; ++c) {
            for (std::int64_t i = 0; i < s.height.kernel; ++i) {
              for (std::int64_t j = 0; j < s.width.kernel; ++j) {
                const std::int64_t row =
                    y * s.height.stride + i * s.height.dilation - s.height.padding;
                const std::int64_t at =
                    col * s.width.stride + j * s.width.dilation - s.width.padding;
                if (row < 0 || row >= s.height.input || at < 0 || at >= s.width.input) continue;
                const auto from = static_cast<std::size_t>(
                    ((n * s.channels + first + c) * s.height.input + row) * s.width.input + at);
                const auto by = static_cast<std::size_t>(
                    ((o * channels + c) * s.height.kernel + i) * s.width.kernel + j);
                r.output[out] += x[from] * w[by];
                r.grad_input[from] += g[out] * w[by];
                r.grad_weight[by] += g[out] * x[from];
              }
            }
          }
        }
      }
    }
  }
  return r;
}

void expect_near(const Tensor& actual, const std::vector<double>& expected,
                 const std::string& what) {
  double scale = 0.0;
  for (const double value : expected) scale = std::max(scale, std::abs(value));
  const std::vector<float> values = actual.to_vector<float>();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(values[i], expected[i], 2e-6 * scale + 1e-12) << what << ", element " << i;
  }
}

WindowDim window(std::int64_t input, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                 std::int64_t dilation) {
  WindowDim dim{input, 0, kernel, stride, padding, dilation};
  dim.output = (input + 2 * padding - dim.extent()) / stride + 1;
  return dim;
}

class ConvSizes : public ::testing::TestWithParam<ConvShape> {};

// Several blocks of k and of positions, panels that are not full, and the direct kernel.
INSTANTIATE_TEST_SUITE_P(
    All, ConvSizes,
    ::testing::Values(ConvShape{2, 130, 21, 1, window(7, 3, 1, 1, 1), window(9, 3, 1, 1, 1)},
                      ConvShape{1, 18, 67, 1, window(41, 3, 2, 1, 1), window(39, 3, 2, 1, 1)},
                      ConvShape{3, 3, 33, 1, window(37, 7, 2, 3, 1), window(35, 7, 2, 3, 1)},
                      ConvShape{2, 40, 24, 2, window(13, 3, 3, 2, 2), window(70, 2, 1, 0, 3)},
                      ConvShape{2, 260, 40, 1, window(9, 1, 1, 0, 1), window(10, 1, 1, 0, 1)},
                      ConvShape{2, 20, 230, 1, window(9, 1, 2, 0, 1), window(11, 1, 2, 0, 1)},
                      ConvShape{3, 6, 16, 1, window(14, 5, 1, 0, 1), window(14, 5, 1, 0, 1)},
                      ConvShape{3, 1, 6, 1, window(28, 5, 1, 2, 1), window(28, 5, 1, 2, 1)},
                      ConvShape{2, 19, 19, 19, window(23, 3, 1, 1, 1), window(80, 3, 1, 1, 1)},
                      ConvShape{2, 7, 21, 7, window(15, 5, 3, 4, 2), window(17, 3, 2, 1, 2)},
                      ConvShape{2, 2, 2, 2, window(701, 3, 1, 1, 1), window(523, 3, 1, 1, 1)},
                      ConvShape{1, 1, 3, 1, window(601, 5, 2, 3, 1), window(640, 4, 3, 1, 2)},
                      ConvShape{1, 5, 3, 1, window(3, 2, 5, 0, 1), window(4, 1, 7, 2, 1)}));

TEST_P(ConvSizes, AreThoseOfTheDefinition) {
  const ConvShape& s = GetParam();
  Generator generator(std::random_device{}());
  const auto normal = [&](const Dims& shape) { return Tensor::normal(shape, 0.0, 1.0, generator); };
  const Tensor x = normal({s.samples, s.channels, s.height.input, s.width.input});
  const Tensor w = normal({s.outputs, s.group_channels(), s.height.kernel, s.width.kernel});
  const Tensor g = normal({s.samples, s.outputs, s.height.output, s.width.output});
  const Reference r = reference(s, x, w, g);
  const Tensor y = Tensor::empty(g.shape());
  const Tensor dx = Tensor::empty(x.shape());
  const Tensor dw = Tensor::empty(w.shape());
  ops::conv(s, x, w, y);
  expect_near(y, r.output, "output");
  ops::conv_input_gradient(s, g, w, dx);
  expect_near(dx, r.grad_input, "gradient by the input");
  ops::conv_weight_gradient(s, x, g, {.weight = &dw});
  expect_near(dw, r.grad_weight, "gradient by the weight");
  const Tensor again = Tensor::empty(g.shape());
  const Tensor again_dx = Tensor::empty(x.shape());
  const Tensor again_dw = Tensor::empty(w.shape());
  for (const int threads : {2, 3, 7}) {
    set_num_threads(threads);
    ops::conv(s, x, w, again);
    ops::conv_input_gradient(s, g, w, again_dx);
    ops::conv_weight_gradient(s, x, g, {.weight = &again_dw});
    set_num_threads(1);
    EXPECT_TRUE(bitwise_equal(again, y)) << threads << " threads";
    EXPECT_TRUE(bitwise_equal(again_dx, dx)) << threads << " threads";
    EXPECT_TRUE(bitwise_equal(again_dw, dw)) << threads << " threads";
  }
}

TEST(Conv, OperationsCheckTheirTensors) {
  const ConvShape shape{2, 3, 4, 1, window(5, 3, 1, 1, 1), window(5, 3, 1, 1, 1)};
  const Tensor x = Tensor::ones({2, 3, 5, 5});
  const Tensor w = Tensor::ones({4, 3, 3, 3});
  const Tensor y = Tensor::zeros({2, 4, 5, 5});
  const Tensor kept = y.clone();
  expect_throw_with<ShapeError>([&] { ops::conv(shape, x, w.slice(0, 0, 3), y); }, "108 elements");
  expect_throw_with<DTypeError>([&] { ops::conv(shape, x, w.to(DType::float64), y); }, "float64");
  expect_throw_with<ShapeError>([&] { ops::conv(shape, x, w, y.transpose(2, 3)); }, "contiguous");
  ConvShape grouped = shape;
  grouped.groups = 2;
  expect_throw_with<ShapeError>([&] { ops::conv(grouped, x, w, y); }, "in 2 groups");
  EXPECT_TRUE(bitwise_equal(y, kept));
}

TEST(Conv, BatchNormAndActivationAreDoneAlongInAPlan) {
  Generator generator(3);
  Sequential model;
  model.add<Conv2d>("conv1", 2, 20, Size2d(3), generator, ConvOptions{.padding = 1, .bias = false});
  auto& norm = model.add<BatchNorm2d>("bn1", 20);
  model.add<GELU>("act");
  model.add<MaxPool2d>("pool", Size2d(2));
  model.add<Conv2d>("conv2", 20, 5, Size2d(3), generator,
                    ConvOptions{.padding = 2, .padding_mode = "circular"});
  model.add<ReLU>("relu");
  const Tensor x = Tensor::normal({6, 2, 9, 7}, 0.0, 1.0, generator);
  norm.weight()->value.normal_(1.0, 0.3, generator);
  norm.bias()->value.normal_(0.0, 0.3, generator);
  for (int i = 0; i < 5; ++i) (void)model.forward(x);
  model.eval();
  const std::vector<Dims> samples = {{2, 9, 7}};
  const InferencePlan plan = compile(model, samples, 6);
  auto workspace = plan.make_workspace();
  const Tensor wanted = model.forward(x);
  const Tensor output = Tensor::empty(wanted.shape());
  plan.run(x, output, workspace);
  const std::vector<float> a = output.to_vector<float>();
  const std::vector<float> b = wanted.to_vector<float>();
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 2e-5F) << i;
  model.add<Flatten>("flat");
  model.add<Linear>("fc", 240, 3, generator);
  expect_throw_with<ValueError>([&] { (void)compile(model, 6); }, "layers for images");
}

}  // namespace
}  // namespace wick::nn
