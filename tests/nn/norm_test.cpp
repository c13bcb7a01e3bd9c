// SPDX-License-Identifier: MIT
// What normalisations do beside their values: modes, running statistics, frozen parameters, plans,
// and what they refuse. The values are in the table of layers.
#include "wick/nn/layers/norm.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/random.h"
#include "wick/nn/inference_plan.h"
#include "wick/nn/layers/batch_norm.h"
#include "wick/nn/sequential.h"

namespace wick::nn {
namespace {

using testing::expect_throw_with;

TEST(Norm, RunningStatisticsMoveUnderANoGradGuardToo) {
  BatchNorm1d layer(1);
  const Tensor x = Tensor::from<float>({1.0F, 3.0F}).view({2, 1});
  {
    const NoGradGuard guard;
    (void)layer.forward(x);
  }
  EXPECT_FLOAT_EQ(layer.running_mean()->item<float>(), 0.2F);        // 0.9 * 0 + 0.1 * 2
  EXPECT_FLOAT_EQ(layer.running_var()->item<float>(), 0.9F + 0.2F);  // unbiased: 2
  EXPECT_EQ(layer.num_batches_tracked()->item<std::int64_t>(), 1);
  layer.eval();
  (void)layer.forward(x);
  EXPECT_EQ(layer.num_batches_tracked()->item<std::int64_t>(), 1);
}

TEST(Norm, WithoutMomentumRunningStatisticsAreAverages) {
  BatchNorm1d layer(1, {.momentum = std::nullopt});
  for (const float mean : {3.0F, 6.0F, 9.0F}) {
    (void)layer.forward(Tensor::from<float>({mean - 1.0F, mean + 1.0F}).view({2, 1}));
  }
  EXPECT_FLOAT_EQ(layer.running_mean()->item<float>(), 6.0F);
  EXPECT_FLOAT_EQ(layer.running_var()->item<float>(), 2.0F);
}

TEST(Norm, StatesOfVersion1LackTheNumberOfBatches) {
  BatchNorm1d layer(2);
  StateDict state;
  for (const char* const name : {"weight", "bias", "running_mean", "running_var"}) {
    state.set(name, Tensor::full({2}, 4.0));
  }
  layer.load_state_dict(state);
  EXPECT_EQ(layer.weight()->value.to_vector<float>()[1], 4.0F);
  EXPECT_EQ(layer.state_version(), 2);
  state.set_metadata(std::make_shared<Dict>(Dict{{"", Dict{{"version", 2}}}}));
  expect_throw_with<StateDictError>([&] { layer.load_state_dict(state); }, "num_batches_tracked");
}

TEST(Norm, FrozenParametersGetNoGradient) {
  Generator generator(3);
  const Tensor x = Tensor::normal({5, 8}, 0.0, 1.0, generator);
  for (const bool weight : {true, false}) {
    LayerNorm layer(8);
    LayerNorm whole(8);
    (weight ? layer.weight() : layer.bias())->requires_grad = false;
    (void)layer.forward(x);
    (void)whole.forward(x);
    EXPECT_TRUE(bitwise_equal(layer.backward(x), whole.backward(x)));
    EXPECT_EQ(layer.weight()->has_grad, !weight);
    EXPECT_EQ(layer.bias()->has_grad, weight);
    const auto& other = weight ? layer.bias() : layer.weight();
    EXPECT_TRUE(bitwise_equal(other->grad, (weight ? whole.bias() : whole.weight())->grad));
  }
}

TEST(Norm, NaNAndInfinitySpreadOverWhatIsNormalised) {
  LayerNorm layer(3);
  for (const float bad : {std::nanf(""), INFINITY}) {
    const Tensor x = Tensor::from<float>({1.0F, bad, 2.0F, 1.0F, 2.0F, 3.0F}).view({2, 3});
    const auto y = layer.forward(x).to_vector<float>();
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(std::isnan(y[static_cast<std::size_t>(i)]));
    EXPECT_NEAR(y[5], 1.2247, 1e-4);
  }
}

TEST(Norm, TakeInputsThatAreNotContiguous) {
  Generator generator(4);
  const Tensor x = Tensor::normal({7, 5}, 0.0, 1.0, generator);
  const Tensor turned = x.transpose(0, 1).contiguous().transpose(0, 1);
  BatchNorm1d layer(5);
  const Tensor y = layer.forward(x).clone();
  const Tensor dx = layer.backward(x).clone();
  EXPECT_TRUE(bitwise_equal(layer.forward(turned), y));
  EXPECT_TRUE(bitwise_equal(layer.backward(turned), dx));
}

TEST(Norm, AnEmptyBatchSetsGradientsOfZero) {
  BatchNorm1d layer(3);
  (void)layer.forward(Tensor::zeros({0, 3}));
  EXPECT_EQ(layer.backward(Tensor::zeros({0, 3})).shape(), (Dims{0, 3}));
  EXPECT_TRUE(layer.weight()->has_grad);
  EXPECT_EQ(layer.weight()->grad.to_vector<float>(), std::vector<float>(3, 0.0F));
  EXPECT_EQ(layer.running_mean()->to_vector<float>(), std::vector<float>(3, 0.0F));
}

TEST(Norm, RefuseWhatDoesNotFitAndChangeNothing) {
  BatchNorm1d batch(3);
  expect_throw_with<ShapeError>(
      [&] {
        (void)batch.forward(Tensor::zeros({1, 3}));
      },
      "more than 1 value per channel");
  expect_throw_with<ShapeError>([&] { (void)batch.forward(Tensor::zeros({2, 4})); }, "(N, 3");
  expect_throw_with<ShapeError>(
      [&] {
        (void)batch.forward(Tensor::zeros({2, 3, 1, 1}));
      },
      "BatchNorm1d");
  expect_throw_with<DTypeError>(
      [&] {
        (void)batch.forward(Tensor::zeros({2, 3}, DType::float64));
      },
      "weights are float32");
  EXPECT_EQ(batch.num_batches_tracked()->item<std::int64_t>(), 0);
  batch.eval();
  EXPECT_EQ(batch.forward(Tensor::zeros({1, 3})).shape(), (Dims{1, 3}));
  LayerNorm layer(Dims{2, 3});
  expect_throw_with<ShapeError>([&] { (void)layer.forward(Tensor::zeros({3, 2})); }, "[2, 3]");
  expect_throw_with<ValueError>([] { GroupNorm(4, 6); }, "4 groups");
  expect_throw_with<ValueError>([] { LayerNorm(Dims{}); }, "normalized_shape");
}

TEST(Norm, ABatchThatIsRefusedIsNotCounted) {
  BatchNorm1d layer(3, {.affine = false});
  expect_throw_with<DTypeError>(
      [&] {
        (void)layer.forward(Tensor::zeros({4, 3}, DType::float64));
      },
      "input is float64");
  EXPECT_EQ(layer.num_batches_tracked()->item<std::int64_t>(), 0);
  (void)layer.forward(Tensor::zeros({4, 3}));
  EXPECT_EQ(layer.num_batches_tracked()->item<std::int64_t>(), 1);
}

TEST(Norm, PlansNormaliseAsInEvalMode) {
  Generator generator(5);
  Sequential model;
  model.add<Linear>("fc1", 6, 12, generator);
  auto& batch = model.add<BatchNorm1d>("bn", 12);
  model.add<ReLU>("relu");
  model.add<LayerNorm>("ln", 12);
  model.add<GroupNorm>("gn", 3, 12);
  model.add<RMSNorm>("rms", 12);
  model.add<Linear>("fc2", 12, 4, generator);
  for (int i = 0; i < 5; ++i) (void)model.forward(Tensor::normal({9, 6}, 1.0, 2.0, generator));
  batch.weight()->value.copy_(Tensor::normal({12}, 1.0, 0.5, generator));
  const InferencePlan plan = compile(model, 16);
  InferencePlan::Workspace workspace = plan.make_workspace();
  model.eval();
  for (const std::int64_t count : {1, 5, 16}) {
    const Tensor wide = Tensor::normal({count, 10}, 0.0, 1.0, generator);
    const Tensor x = wide.slice(1, 2, 8);
    const Tensor y = Tensor::empty({count, 4});
    plan.run(x, y, workspace);
    const auto expected = model.forward(x).to_vector<float>();
    const auto actual = y.to_vector<float>();
    for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_NEAR(actual[i], expected[i], 1e-5);
  }
  Sequential untracked;
  untracked.add<Linear>("fc", 6, 4, generator);
  untracked.add<BatchNorm1d>("bn", 4, BatchNormOptions{.track_running_stats = false});
  expect_throw_with<ValueError>([&] { (void)compile(untracked, 2); }, "running statistics");
}

TEST(Norm, InstanceNormOfOneSampleIsThatOfABatchOfOne) {
  Generator generator(std::random_device{}());
  const InstanceNormOptions options{.affine = true, .track_running_stats = true};
  InstanceNorm2d batch(3, options);
  InstanceNorm2d single(3, options);
  const Tensor x = Tensor::normal({3, 4, 5}, 1.0, 2.0, generator);
  const Tensor grad = Tensor::normal({3, 4, 5}, 0.0, 1.0, generator);
  EXPECT_TRUE(bitwise_equal(single.forward(x), batch.forward(x.unsqueeze(0))[0]));
  EXPECT_TRUE(bitwise_equal(single.backward(grad), batch.backward(grad.unsqueeze(0))[0]));
  EXPECT_TRUE(bitwise_equal(single.weight()->grad, batch.weight()->grad));
  EXPECT_TRUE(bitwise_equal(*single.running_var(), *batch.running_var()));
  expect_throw_with<ShapeError>([&] { (void)single.forward(x.slice(0, 0, 2)); }, "[2, 4, 5]");
  (void)single.forward(x);
  expect_throw_with<ShapeError>([&] { single.backward(grad.unsqueeze(0)); }, "[1, 3, 4, 5]");
}

}  // namespace
}  // namespace wick::nn
