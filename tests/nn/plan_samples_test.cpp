// SPDX-License-Identifier: MIT
// Plans on single samples, on memory of the caller's, and on batches of any size.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "tests/count_allocations.h"
#include "tests/sanitizers.h"
#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/random.h"
#include "wick/nn/inference_plan.h"
#include "wick/nn/sequential.h"

namespace wick::nn {
namespace {

using wick::testing::expect_throw_with;

// 6 - hidden - 3.
Sequential make_model(std::uint64_t seed, DType dtype = DType::float32, std::int64_t hidden = 5) {
  Generator generator(seed);
  Sequential model;
  model.add<Linear>(6, hidden, generator, LinearOptions{.dtype = dtype});
  model.add<ReLU>();
  model.add<Linear>(hidden, 3, generator, LinearOptions{.dtype = dtype});
  return model;
}

TEST(PlanSamples, OneSampleNeedsNoDimensionForTheirNumber) {
  Generator generator(2);
  const Sequential model = make_model(1);
  const InferencePlan plan = compile(model, 4);
  InferencePlan::Workspace workspace = plan.make_workspace();
  const Tensor x = Tensor::normal({4, 6}, 0, 1, generator);
  const Tensor expected = Tensor::empty({4, 3});
  plan.run(x, expected, workspace);
  for (std::int64_t i = 0; i < 4; ++i) {
    const Tensor y = Tensor::zeros({3});
    plan.run(x[i], y, workspace);
    for (std::int64_t k = 0; k < 3; ++k) {
      EXPECT_NEAR(y.at<float>({k}), expected.at<float>({i, k}), 1e-6F);
    }
    const Tensor row = Tensor::zeros({1, 3});
    plan.run(x[i], row, workspace);
    EXPECT_TRUE(bitwise_equal(row[0], y));
  }
  const auto run = [&](const Tensor& in, const Tensor& out) { plan.run(in, out, workspace); };
  const Tensor y = Tensor::zeros({3});
  expect_throw_with<ShapeError>([&] { run(Tensor::ones({5}), y); }, "or [6], got");
  expect_throw_with<ShapeError>([&] { run(x, y); }, "equally many");
  expect_throw_with<ShapeError>([&] { run(Tensor::ones({12}).slice(0, 0, 12, 2), y); },
                                "not contiguous");
}

TEST(PlanSamples, RunsOnMemoryOfTheCallers) {
  Generator generator(3);
  for (const DType dtype : {DType::float32, DType::float64}) {
    visit_arithmetic(dtype, "test", [&]<typename T>(TypeTag<T>) {
      const Sequential model = make_model(1, dtype);
      const InferencePlan plan = compile(model, 4);
      InferencePlan::Workspace workspace = plan.make_workspace();
      const Tensor x = Tensor::normal({4, 6}, 0, 1, generator, dtype);
      const std::vector<T> input = x.to_vector<T>();
      for (const std::int64_t count : {1, 3, 4}) {
        const Tensor expected = Tensor::empty({count, 3}, dtype);
        plan.run(x.slice(0, 0, count), expected, workspace);
        std::vector<T> output(static_cast<std::size_t>(3 * count));
        const std::size_t allocations = testing::allocation_count();
        plan.run(std::span(input).first(static_cast<std::size_t>(6 * count)), std::span(output),
                 workspace);
        EXPECT_EQ(testing::allocation_count(), allocations);
        EXPECT_EQ(output, expected.to_vector<T>());
        std::fill(output.begin(), output.end(), T{-1});
        const std::size_t before = testing::allocation_count();
        plan.run(input.data(), output.data(), count, workspace);
        EXPECT_EQ(testing::allocation_count(), before);
        EXPECT_EQ(output, expected.to_vector<T>());
      }
      plan.run(std::span<const T>(), std::span<T>(), workspace);
      plan.run(static_cast<const T*>(nullptr), static_cast<T*>(nullptr), 0, workspace);
    });
  }
}

// Products of one sample are prepared when the plan is made; with other sizes by other kernels.
TEST(PlanSamples, OneSampleByItselfIsWhatTheModuleGives) {
  std::random_device seeds;
  const std::uint64_t seed = seeds();
  SCOPED_TRACE(concat("seed ", seed));
  Generator generator(seed);
  for (int round = 0; round < 40; ++round) {
    const auto size = [&] { return 1 + static_cast<std::int64_t>(generator.random() % 200); };
    const std::int64_t in = size();
    const std::int64_t out = size();
    const std::int64_t hidden = size();
    Sequential model;
    model.add<Linear>(in, hidden, generator, LinearOptions{.bias = round % 2 == 0});
    if (round % 3 != 0) model.add<ReLU>();
    model.add<Linear>(hidden, out, generator);
    const InferencePlan plan = compile(model, 3);
    InferencePlan::Workspace workspace = plan.make_workspace();
    const Tensor x = Tensor::normal({1, in}, 0, 1, generator);
    const Tensor expected = model.forward(x);
    std::vector<float> y(static_cast<std::size_t>(out));
    plan.run(x.data<float>(), y.data(), 1, workspace);
    for (std::int64_t i = 0; i < out; ++i) {
      EXPECT_NEAR(y[static_cast<std::size_t>(i)], expected.at<float>({0, i}), 1e-4F)
          << in << " - " << hidden << " - " << out;
    }
  }
}

TEST(PlanSamples, RefusesMemoryThatDoesNotFit) {
  const Sequential model = make_model(1);
  const InferencePlan plan = compile(model, 2);
  InferencePlan::Workspace workspace = plan.make_workspace();
  std::vector<float> x(40);
  std::vector<float> y(40);
  const auto run = [&](std::size_t in, std::size_t out) {
    plan.run(std::span(x).first(in), std::span(y).first(out), workspace);
  };
  run(12, 6);
  expect_throw_with<ShapeError>([&] { run(7, 3); }, "samples have 6 numbers");
  expect_throw_with<ShapeError>([&] { run(6, 2); }, "room for 2");
  expect_throw_with<ShapeError>([&] { run(6, 6); }, "room for 6");
  expect_throw_with<ShapeError>([&] { run(18, 9); }, "at most 2");
  expect_throw_with<ValueError>(
      [&] { plan.run(std::span(x).first(6), std::span(x).subspan(5, 3), workspace); }, "shares");
  const auto point = [&](const float* in, float* out, std::int64_t count) {
    plan.run(in, out, count, workspace);
  };
  point(x.data(), y.data(), 2);
  expect_throw_with<ShapeError>([&] { point(x.data(), y.data(), 3); }, "3 samples");
  expect_throw_with<ShapeError>([&] { point(x.data(), y.data(), -1); }, "-1 samples");
  expect_throw_with<ValueError>([&] { point(nullptr, y.data(), 1); }, "input is null");
  expect_throw_with<ValueError>([&] { point(x.data(), nullptr, 1); }, "output is null");
  expect_throw_with<ValueError>([&] { point(x.data(), x.data() + 5, 1); }, "shares");
  std::vector<double> wide(9);
  expect_throw_with<DTypeError>(
      [&] { plan.run(std::span(wide).first(6), std::span(wide).last(3), workspace); },
      "weights are float32");
  const Sequential large = make_model(1, DType::float32, 60);
  const InferencePlan other = compile(large, 2);
  expect_throw_with<ValueError>(
      [&] { other.run(std::span(x).first(6), std::span(y).first(3), workspace); },
      "make_workspace");
}

TEST(PlanSamples, RefusesBatchesThatNoMemoryHolds) {
  const Sequential model = make_model(1);
  expect_throw_with<ShapeError>([&] { (void)compile(model, INT64_MAX); }, "smaller max_batch");
  expect_throw_with<ShapeError>([&] { (void)compile(model, INT64_MAX / 20 + 1); }, "overflow");
  if (testing::kSanitized) return;
  const InferencePlan plan = compile(model, std::int64_t{1} << 55);
  expect_throw_with<OutOfMemoryError>([&] { (void)plan.make_workspace(); }, "asked for");
}

}  // namespace
}  // namespace wick::nn
