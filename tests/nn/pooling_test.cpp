// SPDX-License-Identifier: MIT
// Pooling, resizing and padding: what the table of layers does not say.
#include "wick/nn/layers/pooling.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/random.h"
#include "wick/nn/layers/resample.h"

namespace wick::nn {
namespace {

using testing::expect_throw_with;

TEST(Pooling, KeepsTheIndicesOfTheLargest) {
  MaxPool2d pool(2);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = Tensor::from<float>({1,   5,   2, 2, 3,  //
                                        5,   0,   2, 2, 9,  //
                                        nan, 1,   7, 8, 0,  //
                                        2,   nan, 9, 9, 0})
                       .view({1, 1, 4, 5});
  const Tensor y = pool.forward(x);
  EXPECT_EQ(y.shape(), (Dims{1, 1, 2, 2}));
  EXPECT_EQ(y.at<float>({0, 0, 0, 0}), 5.0F);
  EXPECT_TRUE(std::isnan(y.at<float>({0, 0, 1, 0})));
  // F.max_pool2d(x, 2, return_indices=True): of equals the first, of NaNs the last.
  EXPECT_EQ(pool.indices().to_vector<std::int64_t>(), (std::vector<std::int64_t>{1, 2, 16, 17}));
  const Tensor dx = pool.backward(Tensor::ones(y.shape()));
  EXPECT_EQ(dx.at<float>({0, 0, 0, 1}), 1.0F);
  EXPECT_EQ(dx.at<float>({0, 0, 1, 0}), 0.0F);
  EXPECT_EQ(dx.at<float>({0, 0, 3, 2}), 1.0F);
}

TEST(Pooling, PrintsAsInPyTorch) {
  EXPECT_EQ(MaxPool2d(2).extra_repr(),
            "kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False");
  EXPECT_EQ(MaxPool2d({3, 2}, {.stride = Size2d(2, 1), .padding = {1, 0}, .ceil_mode = true})
                .extra_repr(),
            "kernel_size=(3, 2), stride=(2, 1), padding=(1, 0), dilation=1, ceil_mode=True");
  EXPECT_EQ(AvgPool2d(2).extra_repr(), "kernel_size=2, stride=2, padding=0");
  EXPECT_EQ(AvgPool1d(2).extra_repr(), "kernel_size=(2,), stride=(2,), padding=(0,)");
  EXPECT_EQ(AdaptiveAvgPool2d({std::nullopt, 7}).extra_repr(), "output_size=(None, 7)");
  EXPECT_EQ(AdaptiveAvgPool2d(3).extra_repr(), "output_size=3");
  EXPECT_EQ(AdaptiveMaxPool2d({2, 3}).extra_repr(), "output_size=(2, 3)");
  EXPECT_EQ(Upsample({.scale_factor = 2.0}).extra_repr(), "scale_factor=2.0, mode='nearest'");
  EXPECT_EQ(Upsample({.size = Size2d(3, 4), .mode = "bilinear"}).extra_repr(),
            "size=(3, 4), mode='bilinear'");
  EXPECT_EQ(ZeroPad2d(Padding2d(1, 2, 3, 4)).extra_repr(), "(1, 2, 3, 4)");
  EXPECT_EQ(PixelShuffle(3).extra_repr(), "upscale_factor=3");
}

TEST(Pooling, RefusesArgumentsAndInputsThatNameTheValues) {
  expect_throw_with<ValueError>([] { MaxPool2d pool(2, {.padding = 2}); }, "padding 2");
  expect_throw_with<ValueError>([] { MaxPool2d pool(0); }, "got 0");
  expect_throw_with<ValueError>([] { AvgPool2d pool(2, {.divisor_override = 0}); },
                                "divisor_override 0");
  expect_throw_with<ValueError>([] { AdaptiveAvgPool2d pool({-2, 3}); }, "-2 x 3");
  MaxPool2d pool({4, 3});
  expect_throw_with<ShapeError>(
      [&] {
        (void)pool.forward(Tensor::zeros({1, 2, 3, 8}));
      },
      "MaxPool2d: the window of size 4 x 3 is larger than the padded "
      "input of shape [1, 2, 3, 8]");
  expect_throw_with<ShapeError>([&] { (void)pool.forward(Tensor::zeros({3, 8})); }, "[3, 8]");
  expect_throw_with<ValueError>([] { Upsample upsample({}); }, "either a size or a scale_factor");
  expect_throw_with<ValueError>([] { Upsample upsample({.size = 2, .mode = "bicubic"}); },
                                "\"bicubic\"");
  expect_throw_with<ValueError>([] { Upsample upsample({.size = 2, .align_corners = true}); },
                                "align_corners");
  ZeroPad2d cut(-3);
  expect_throw_with<ShapeError>(
      [&] {
        (void)cut.forward(Tensor::zeros({1, 2, 4, 8}));
      },
      "ZeroPad2d: the padding leaves nothing of an input of shape");
  PixelShuffle shuffle(2);
  expect_throw_with<ShapeError>(
      [&] {
        (void)shuffle.forward(Tensor::zeros({1, 6, 4, 8}));
      },
      "[1, 6, 4, 8]");
}

TEST(Pooling, SizesThatAreLeftOutAreTheInputs) {
  Generator generator(1);
  AdaptiveAvgPool2d pool({std::nullopt, 2});
  const Tensor x = Tensor::normal({3, 5, 4}, 0.0, 1.0, generator);
  const Tensor y = pool.forward(x);
  EXPECT_EQ(y.shape(), (Dims{3, 5, 2}));
  EXPECT_FLOAT_EQ(y.at<float>({1, 2, 1}), (x.at<float>({1, 2, 2}) + x.at<float>({1, 2, 3})) / 2);
}

}  // namespace
}  // namespace wick::nn
