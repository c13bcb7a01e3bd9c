// SPDX-License-Identifier: MIT
// PReLU with a weight for each channel, and its errors.
#include "wick/nn/layers/prelu.h"

#include <cmath>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/nn/finite_differences.h"
#include "tests/nn/layer_cases.h"
#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/kernels/devices.h"

namespace wick::nn {
namespace {

using testing::expect_throw_with;

TEST(PReLU, HasAWeightForEachChannel) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  Generator generator(seed);
  for (const Dims& shape : {Dims{4, 3}, Dims{2, 3, 5}, Dims{2, 3, 2, 2}, Dims{0, 3}}) {
    PReLU layer(3, 0.25, {DType::float64});
    layer.weight()->value.uniform_(-1.0, 1.0, generator);
    const Tensor x = testing::layer_input(shape, generator, DType::float64);
    testing::check_module(layer, x);
    const Tensor y = layer.forward(x);
    const std::int64_t inner = element_count(std::span(shape).subspan(2));
    for (std::int64_t i = 0; i < x.numel(); ++i) {
      const double weight = layer.weight()->value.data<double>()[i / inner % 3];
      const double value = x.data<double>()[i];
      EXPECT_EQ(y.data<double>()[i], value > 0.0 ? value : weight * value);
    }
  }
}

void expect_near(const Tensor& actual, const Tensor& expected, double tolerance) {
  const std::vector<double> a = actual.to(DType::float64).to_vector<double>();
  const std::vector<double> b = expected.to_vector<double>();
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_NEAR(a[i], b[i], tolerance * (1.0 + std::abs(b[i]))) << "element " << i;
  }
}

TEST(PReLU, HasTheSameBitsForAnyNumberOfThreads) {
  Generator generator(1);
  // Sums go over parts of rows, over rows, and over parts of all elements.
  for (const auto& [channels, shape] : {std::pair{301, Dims{300, 301}},
                                        {301, Dims{30, 301, 11}},
                                        {301, Dims{70, 301, 11}},
                                        {301, Dims{1, 301, 90}},
                                        {1, Dims{300, 301}},
                                        {1, Dims{70001}}}) {
    SCOPED_TRACE(::testing::Message() << shape << " with " << channels << " weights");
    PReLU layer(channels);
    layer.weight()->value.uniform_(-1.0, 1.0, generator);
    const Tensor x = Tensor::normal(shape, 0.0, 1.0, generator);
    const Tensor grad = Tensor::normal(shape, 0.0, 1.0, generator);
    const Tensor y = layer.forward(x).clone();
    const Tensor dx = layer.backward(grad).clone();
    const Tensor dw = layer.weight()->grad.clone();
    PReLU exact(channels, 0.25, {DType::float64});
    exact.weight()->value.copy_(layer.weight()->value.to(DType::float64));
    expect_near(y, exact.forward(x.to(DType::float64)), 1e-6);
    expect_near(dx, exact.backward(grad.to(DType::float64)), 1e-6);
    expect_near(dw, exact.weight()->grad, 1e-5);
    for (const int threads : {2, 5}) {
      set_num_threads(threads);
      layer.zero_grad();
      EXPECT_TRUE(bitwise_equal(layer.forward(x), y));
      EXPECT_TRUE(bitwise_equal(layer.backward(grad), dx));
      EXPECT_TRUE(bitwise_equal(layer.weight()->grad, dw));
    }
    set_num_threads(1);
  }
}

TEST(PReLU, NamesWhatDoesNotFit) {
  expect_throw_with<ValueError>([] { PReLU(0); }, "num_parameters 0");
  PReLU layer(3);
  EXPECT_EQ(layer.weight()->value.to_vector<float>(), (std::vector<float>{0.25F, 0.25F, 0.25F}));
  expect_throw_with<ShapeError>([&] { (void)layer.forward(Tensor::ones({2, 4})); }, "(N, 3, ...)");
  expect_throw_with<DTypeError>(
      [&] {
        (void)layer.forward(Tensor::ones({2, 3}, DType::uint8));
      },
      "PReLU: input is uint8, weights are float32; use x.to(DType::float32)");
}

}  // namespace
}  // namespace wick::nn
