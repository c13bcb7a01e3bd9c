// SPDX-License-Identifier: MIT
// Dropout: PyTorch's mask, gradients, modes, errors.
#include "wick/nn/layers/dropout.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "tests/count_allocations.h"
#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/kernels/devices.h"
#include "wick/nn/inference_plan.h"
#include "wick/nn/layers/linear.h"
#include "wick/nn/sequential.h"

namespace wick::nn {
namespace {

using testing::allocation_count;
using testing::expect_throw_with;

// torch.manual_seed(7); torch.nn.functional.dropout(torch.arange(1., 13.), 0.3)
TEST(Dropout, KeepsWhatPyTorchKeeps) {
  Generator generator(7);
  Dropout dropout(generator, 0.3);
  const Tensor x = Tensor::empty({12});
  for (int i = 0; i < 12; ++i) x.data<float>()[i] = static_cast<float>(i + 1);
  const auto y = dropout.forward(x).to_vector<float>();
  const std::vector<float> expected{1.42857146F, 2.85714293F, 0.0F,        5.71428585F,
                                    0.0F,        0.0F,        10.0F,       11.4285717F,
                                    0.0F,        0.0F,        15.7142859F, 17.1428566F};
  EXPECT_EQ(y, expected);
  // The stream goes on: torch.rand(1) after it.
  EXPECT_EQ(Tensor::uniform({1}, 0.0, 1.0, generator).item<float>(), 0.520930052F);
}

// An element is kept where a uniform float64 number is below 1 - p, from wherever the stream
// stands.
TEST(Dropout, KeepsWhereAUniformNumberIsBelow) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  for (const std::int64_t count : {0, 1, 2, 5, 311, 312, 313, 624, 1000, 5001}) {
    for (const DType dtype : {DType::float32, DType::float64}) {
      Generator generator(random());
      for (auto skipped = random() % 700; skipped > 0; --skipped) (void)generator.random();
      Generator other = generator;
      const double p = 0.001 * static_cast<double>(random() % 999 + 1);
      const Tensor x = Tensor::full({count}, 3.0, dtype);
      Dropout dropout(generator, p);
      const auto y = dropout.forward(x).to(DType::float64).to_vector<double>();
      const Tensor uniform = Tensor::empty({count}, DType::float64);
      other.uniform(uniform, 0.0, 1.0);
      const double scale = ops::dropout_scale(p, dtype);
      for (std::size_t i = 0; i < y.size(); ++i) {
        const bool kept = uniform.data<double>()[i] < 1.0 - p;
        const double expected = dtype == DType::float64
                                    ? 3.0 * scale
                                    : static_cast<double>(3.0F * static_cast<float>(scale));
        ASSERT_EQ(y[i], kept ? expected : 0.0) << count << " element " << i;
      }
      EXPECT_TRUE(bitwise_equal(generator.get_state(), other.get_state())) << count;
    }
  }
}

TEST(Dropout, TheGradientGoesThroughTheSameMask) {
  Generator generator(3);
  Dropout dropout(generator, 0.4);
  const Tensor x = Tensor::ones({33, 7});
  const Tensor y = dropout.forward(x).clone();
  const Tensor grad = Tensor::normal({33, 7}, 0.0, 1.0, generator);
  const Tensor dx = dropout.backward(grad);
  const Tensor expected = Tensor::empty({33, 7});
  ops::multiply(y, grad, expected);
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    EXPECT_EQ(dx.data<float>()[i], expected.data<float>()[i]);
  }
  expect_throw_with<ValueError>([&] { dropout.backward(grad); }, "second");
  (void)dropout.forward(x);
  dropout.eval();
  expect_throw_with<ValueError>([&] { dropout.backward(grad); }, "forward() again");
}

TEST(Dropout, DrawsNothingInEvaluationAndForProbabilitiesOf0And1) {
  Generator generator(5);
  const Tensor before = generator.get_state();
  const Tensor x = Tensor::from<float>({1.0F, -2.0F, INFINITY});
  Dropout none(generator, 0.0);
  EXPECT_TRUE(bitwise_equal(none.forward(x), x));
  EXPECT_TRUE(bitwise_equal(none.backward(x), x));
  Dropout half(generator);
  EXPECT_EQ(half.p(), 0.5);
  half.eval();
  EXPECT_TRUE(bitwise_equal(half.forward(x), x));
  EXPECT_TRUE(bitwise_equal(half.backward(x), x));
  Dropout all(generator, 1.0);
  const auto y = all.forward(x).to_vector<float>();
  EXPECT_EQ(y[0], 0.0F);
  EXPECT_TRUE(std::signbit(y[1]));
  EXPECT_TRUE(std::isnan(y[2]));  // as in PyTorch
  EXPECT_EQ(all.backward(Tensor::ones({3})).to_vector<float>(), std::vector<float>(3, 0.0F));
  EXPECT_TRUE(bitwise_equal(generator.get_state(), before));
}

TEST(Dropout, RefusesWhatPyTorchRefusesAndDrawsNothingThen) {
  Generator generator(5);
  const Tensor before = generator.get_state();
  for (const double p : {-0.5, 1.5, std::nan("")}) {
    expect_throw_with<ValueError>([&] { Dropout(generator, p); }, "between 0 and 1");
  }
  Dropout dropout(generator);
  EXPECT_THROW((void)dropout.forward(Tensor::ones({3}, DType::int64)), DTypeError);
  const Tensor x = Tensor::ones({2, 3});
  EXPECT_THROW((void)dropout.forward(x.transpose(0, 1)), ShapeError);
  EXPECT_TRUE(bitwise_equal(generator.get_state(), before));
  (void)dropout.forward(x);
  expect_throw_with<ShapeError>([&] { dropout.backward(Tensor::ones({3, 2})); }, "[3, 2]");
  const Tensor mask = Tensor::empty({4}, DType::uint8);
  EXPECT_THROW(ops::masked_scale(Tensor::ones({4}), mask, 2.0, Tensor::ones({4})), DTypeError);
  EXPECT_THROW(generator.bernoulli(Tensor::empty({4}, DType::boolean), 1.5), ValueError);
}

TEST(Dropout, HasTheSameBitsForAnyNumberOfThreadsAndAllocatesNothing) {
  Generator generator(5);
  const Tensor state = generator.get_state();
  Dropout dropout(generator, 0.3);
  const Tensor x = Tensor::normal({331, 613}, 0.0, 1.0, generator);
  generator.set_state(state);
  const Tensor y = dropout.forward(x).clone();
  const Tensor dx = dropout.backward(x).clone();
  for (const int threads : {2, 3, 8}) {
    set_num_threads(threads);
    generator.set_state(state);
    EXPECT_TRUE(bitwise_equal(dropout.forward(x), y));
    EXPECT_TRUE(bitwise_equal(dropout.backward(x), dx));
  }
  set_num_threads(1);
  const std::size_t before = allocation_count();
  (void)dropout.forward(x);
  dropout.backward(x);
  EXPECT_EQ(allocation_count(), before);
}

TEST(Dropout, WorksInANetworkAndIsNotInItsPlan) {
  Generator generator(9);
  Sequential model;
  model.add<Linear>("fc1", 6, 8, generator);
  model.append("dropout", std::make_unique<Dropout>(generator, 0.5));
  model.add<Linear>("fc2", 8, 3, generator);
  const Tensor x = Tensor::normal({5, 6}, 0.0, 1.0, generator);
  const Tensor first = model.forward(x).clone();
  model.backward(Tensor::ones({5, 3}));
  EXPECT_FALSE(bitwise_equal(model.forward(x), first));
  model.eval();
  const Tensor expected = model.forward(x).clone();
  const InferencePlan plan = compile(model, 5);
  auto workspace = plan.make_workspace();
  const Tensor y = Tensor::empty({5, 3});
  plan.run(x, y, workspace);
  for (std::int64_t i = 0; i < y.numel(); ++i) {
    EXPECT_NEAR(y.data<float>()[i], expected.data<float>()[i], 1e-5F);
  }
  // A copy draws from the same generator.
  const auto copy = clone(model);
  copy->train();
  const Tensor before = generator.get_state();
  (void)copy->forward(x);
  EXPECT_FALSE(bitwise_equal(generator.get_state(), before));
}

}  // namespace
}  // namespace wick::nn
