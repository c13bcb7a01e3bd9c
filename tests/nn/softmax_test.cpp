// SPDX-License-Identifier: MIT
// Softmax and its relatives beyond what the table of layers tests: extreme values, plans, shapes.
#include "wick/nn/layers/softmax.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/nn/inference_plan.h"
#include "wick/nn/layers/linear.h"
#include "wick/nn/layers/reshape.h"
#include "wick/nn/sequential.h"

namespace wick::nn {
namespace {

using testing::expect_throw_with;

// torch.softmax and torch.log_softmax of the same rows.
TEST(Softmax, OfInfinitiesIsPyTorchs) {
  const float inf = INFINITY;
  Softmax softmax(-1);
  LogSoftmax log_softmax(-1);
  const auto check = [&](std::vector<float> x, std::vector<float> y, std::vector<float> log_y) {
    const Tensor input = Tensor::empty({static_cast<std::int64_t>(x.size())});
    std::copy(x.begin(), x.end(), input.data<float>());
    const auto actual = softmax.forward(input).to_vector<float>();
    const auto actual_log = log_softmax.forward(input).to_vector<float>();
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (std::isnan(y[i])) {
        EXPECT_TRUE(std::isnan(actual[i]) && std::isnan(actual_log[i]));
        continue;
      }
      EXPECT_FLOAT_EQ(actual[i], y[i]);
      EXPECT_FLOAT_EQ(actual_log[i], log_y[i]);
    }
  };
  check({0, -inf, 0}, {0.5F, 0, 0.5F}, {-0.6931472F, -inf, -0.6931472F});
  check({-inf, -inf}, {NAN, NAN}, {NAN, NAN});
  check({inf, 0}, {NAN, NAN}, {NAN, NAN});
  check({NAN, 0}, {NAN, NAN}, {NAN, NAN});
  check({1000, 0, -1000}, {1, 0, 0}, {0, -1000, -2000});
}

// Every size of a dimension and of what is behind it, in float32 against float64.
TEST(Softmax, VectorsGiveWhatSingleElementsGive) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  Generator generator(seed);
  for (const std::int64_t size : {1, 2, 7, 8, 15, 16, 17, 33, 100}) {
    for (const std::int64_t inner : {1, 2, 5, 16, 19, 300}) {
      for (const bool log : {false, true}) {
        const Tensor x = Tensor::normal({2, size, inner}, 0.0, 4.0, generator);
        const Tensor g = Tensor::normal({2, size, inner}, 0.0, 1.0, generator);
        const Tensor y = Tensor::empty(x.shape());
        const Tensor dx = Tensor::empty(x.shape());
        ops::softmax(x, 1, log, y);
        ops::softmax_backward(g, y, 1, log, dx);
        const Tensor wide = Tensor::empty(x.shape(), DType::float64);
        const Tensor wide_dx = Tensor::empty(x.shape(), DType::float64);
        ops::softmax(x.to(DType::float64), 1, log, wide);
        ops::softmax_backward(g.to(DType::float64), wide, 1, log, wide_dx);
        for (std::int64_t i = 0; i < x.numel(); ++i) {
          const double expected = wide.data<double>()[i];
          ASSERT_NEAR(static_cast<double>(y.data<float>()[i]), expected,
                      2e-6 * (1.0 + std::fabs(expected)))
              << size << ' ' << inner << ' ' << log;
          const double slope = wide_dx.data<double>()[i];
          ASSERT_NEAR(static_cast<double>(dx.data<float>()[i]), slope,
                      5e-6 * (1.0 + std::fabs(slope)));
        }
        // In place.
        const Tensor in_place = x.clone();
        ops::softmax(in_place, 1, log, in_place);
        EXPECT_TRUE(bitwise_equal(in_place, y));
        const Tensor grad_in_place = g.clone();
        ops::softmax_backward(grad_in_place, y, 1, log, grad_in_place);
        EXPECT_TRUE(bitwise_equal(grad_in_place, dx));
      }
    }
  }
}

TEST(Softmax, NamesADimensionThatIsNotThere) {
  Softmax softmax(2);

  expect_throw_with<IndexError>(
      [&] {
        (void)softmax.forward(Tensor::ones({2, 3}));
      },
      "Softmax: dimension 2");
  LogSoftmax log_softmax(-3);

  expect_throw_with<IndexError>(
      [&] {
        (void)log_softmax.forward(Tensor::ones({2, 3}));
      },
      "LogSoftmax: dimension -3");
}

TEST(Reshape, NamesShapesThatDoNotFit) {
  Flatten flatten;

  expect_throw_with<IndexError>([&] { (void)flatten.forward(Tensor::ones({3})); },
                                "Flatten: dimension 1");
  Flatten backwards(2, 1);
  expect_throw_with<ShapeError>(
      [&] {
        (void)backwards.forward(Tensor::ones({3, 4, 5}));
      },
      "behind end_dim");
  Unflatten unflatten(1, {2, 2});
  expect_throw_with<ShapeError>(
      [&] {
        (void)unflatten.forward(Tensor::ones({3, 5}));
      },
      "Unflatten: the sizes [2, 2]");
  EXPECT_EQ(unflatten.forward(Tensor::ones({3, 4})).shape(), (Dims{3, 2, 2}));
  EXPECT_EQ(Flatten(0).forward(Tensor::ones({})).shape(), (Dims{1}));
  expect_throw_with<Error>([] { (void)Flatten().forward(Tensor::ones({})); }, "dimension 1");
  // One that is not contiguous.
  const Tensor x = Tensor::from<float>({1, 2, 3, 4, 5, 6}).view({1, 2, 3}).transpose(1, 2);
  EXPECT_EQ(flatten.forward(x).to_vector<float>(), (std::vector<float>{1, 4, 2, 5, 3, 6}));
}

TEST(Softmax, PlansDoAsTheModulesDo) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  Generator generator(seed);
  Sequential model;
  model.add<Flatten>("flatten");
  model.add<Linear>("fc1", 12, 20, generator);
  model.add<Identity>("identity");
  model.add<Unflatten>("unflatten", 1, Dims{4, -1});
  model.add<Softmax>("softmax", 1);
  model.add<Flatten>("flat", 1, 2);
  model.add<Linear>("fc2", 20, 7, generator);
  model.add<LogSoftmax>("log_softmax", -1);
  const Tensor x = Tensor::normal({5, 3, 4}, 0.0, 1.0, generator);
  const Tensor expected = model.forward(x);
  const std::vector<Dims> shapes{{3, 4}};
  const InferencePlan plan = compile(model, shapes, 6);
  EXPECT_EQ(plan.output_shape(), (Dims{7}));
  auto workspace = plan.make_workspace();
  // Also with samples that are apart.
  const Tensor wide = Tensor::zeros({5, 11});
  const Tensor y = Tensor::zeros({5, 7});
  const Tensor apart = wide.slice(1, 2, 9);
  plan.run(x, y, workspace);
  plan.run(x, apart, workspace);
  for (std::int64_t i = 0; i < y.numel(); ++i) {
    EXPECT_NEAR(y.data<float>()[i], expected.data<float>()[i], 1e-5F);
    EXPECT_EQ(wide.data<float>()[i / 7 * 11 + 2 + i % 7], y.data<float>()[i]);
  }
  Sequential whole;
  whole.add<Softmax>("softmax", 0);
  expect_throw_with<ShapeError>([&] { (void)compile(whole, shapes, 6); },
                                "softmax: Softmax: dimension 0");
}

}  // namespace
}  // namespace wick::nn
