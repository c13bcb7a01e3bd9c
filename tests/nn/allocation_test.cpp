// SPDX-License-Identifier: MIT
// A training step allocates nothing after the second.
#include <mutex>

#include <gtest/gtest.h>

#include "tests/count_allocations.h"
#include "wick/core/ops.h"
#include "wick/core/ops_arithmetic.h"
#include "wick/core/ops_join.h"
#include "wick/core/ops_reduce.h"
#include "wick/core/random.h"
#include "wick/nn/losses/cross_entropy_loss.h"
#include "wick/nn/sequential.h"
#include "wick/optim/adam.h"
#include "wick/optim/sgd.h"

namespace wick {
namespace {

template <typename Optimizer, typename Options>
void expect_no_allocation(const Options& options, DType autocast = DType::float32) {
  Generator generator(1);
  nn::Sequential model;
  model.add<nn::Linear>("fc1", 784, 32, generator);
  model.add<nn::ReLU>("relu");
  model.add<nn::Linear>("fc2", 32, 10, generator);
  model.autocast(autocast);
  nn::CrossEntropyLoss criterion;
  Optimizer optimizer(model.parameters(), options);
  const Tensor images = Tensor::uniform({300, 1, 28, 28}, 0, 256, generator).to(DType::uint8);
  const Tensor labels = Tensor::uniform({300}, 0, 10, generator).to(DType::int64);
  const Tensor order = generator.randperm(300);
  const Tensor scale = Tensor::from<float>({1.0F / 255.0F});
  const Tensor shift = Tensor::from<float>({0.0F});
  const Tensor x = Tensor::empty({32, 784});
  const Tensor y = Tensor::empty({32}, DType::int64);
  double sum = 0.0;
  const auto step = [&](std::int64_t i) {
    const Tensor indices = order.slice(0, i * 32, (i + 1) * 32);
    ops::gather_affine(images, &indices, scale, shift, x);
    ops::index_select(labels, indices, y);
    sum += static_cast<double>(*criterion.forward(model.forward(x), y).template data<float>());
    optimizer.zero_grad();
    model.backward(criterion.backward(), false);
    optimizer.step();
  };
  step(0);
  step(1);
  const std::size_t before = testing::allocation_count();
  for (std::int64_t i = 2; i < 9; ++i) step(i);
  EXPECT_EQ(testing::allocation_count(), before);
  EXPECT_GT(sum, 0.0);
}

TEST(Allocation, TheCountersCount) {
  const std::size_t before = testing::allocation_count();
  const Tensor tensor = Tensor::empty({3});
  EXPECT_GT(testing::allocation_count(), before);
  std::mutex mutex;
  const std::size_t locks = testing::lock_count();
  const std::lock_guard lock(mutex);
  EXPECT_GT(testing::lock_count(), locks);
}

TEST(Allocation, ATrainingStepWithAdamAllocatesNothing) {
  expect_no_allocation<optim::Adam>(optim::AdamOptions{.amsgrad = true});
}

TEST(Allocation, ATrainingStepWithSgdAllocatesNothing) {
  expect_no_allocation<optim::SGD>(optim::SGDOptions{.momentum = 0.9});
}

TEST(Allocation, ATrainingStepUnderAutocastAllocatesNothing) {
  expect_no_allocation<optim::Adam>(optim::AdamOptions{}, DType::bfloat16);
}

// What a DQN and an averaged model do beside their networks.
TEST(Operations, AllocateNothingWhereTheResultIsTheCallers) {
  Generator generator(3);
  const Tensor x = Tensor::normal({300, 40}, 0.0, 1.0, generator);
  const Tensor row = Tensor::normal({40}, 0.0, 1.0, generator);
  const Tensor a = Tensor::normal({6, 5, 4}, 0.0, 1.0, generator);
  const Tensor best = Tensor::empty({300});
  const Tensor sums = Tensor::empty({40});
  const ops::Extremes extremes{Tensor::empty({300}), Tensor::empty({300}, DType::int64)};
  const Tensor mask = Tensor::empty({300, 40}, DType::boolean);
  const Tensor products = Tensor::empty({6, 5, 5});
  const Tensor pair[] = {row, row};
  const Tensor joined = Tensor::empty({80});
  const auto step = [&] {
    ops::lerp_(x, row, 0.01);
    ops::mul_(x, 0.99);
    ops::add(x, row, x, 0.5);
    ops::clamp_(x, -1, 1);
    ops::binary(BinaryOp::gt, x, 0, mask);
    ops::where(mask, x, 0, x);
    ops::amax(x, 1, best);
    ops::mean(x, 0, sums);
    ops::max(x, 1, extremes);
    ops::matmul(a, a.transpose(1, 2), products);
    ops::cat(pair, 0, joined);
  };
  step();
  const std::size_t before = testing::allocation_count();
  step();
  EXPECT_EQ(testing::allocation_count(), before);
}

}  // namespace
}  // namespace wick
