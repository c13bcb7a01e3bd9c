// SPDX-License-Identifier: MIT
// What a network's step is said to be, for devices that do whole steps.
#include "nn/network_step.h"

#include <gtest/gtest.h>

#include "wick/nn/layers/dropout.h"
#include "wick/nn/layers/reshape.h"
#include "wick/nn/sequential.h"

namespace wick::nn {
namespace {

TEST(NetworkStep, IsThatOfAChain) {
  Generator generator(1);
  Sequential model;
  const Linear& first = model.add<Linear>("fc1", 4, 3, generator);
  auto inner = std::make_unique<Sequential>();
  inner->add<ReLU>("relu");
  const Linear& last = inner->add<Linear>("fc2", 3, 2, generator);
  model.append("inner", std::move(inner));
  const CrossEntropyLoss loss({.ignore_index = 1, .label_smoothing = 0.1});
  const auto step = describe_step(model, loss);
  ASSERT_NE(step, nullptr);
  ASSERT_EQ(step->layers.size(), 3U);
  EXPECT_EQ(step->layers[0].weight, first.weight());
  EXPECT_EQ(step->layers[1].weight, nullptr);
  EXPECT_EQ(step->layers[1].op, UnaryOp::relu);
  EXPECT_EQ(step->layers[2].bias, last.bias());
  EXPECT_EQ(step->ignore_index, 1);
  EXPECT_EQ(step->label_smoothing, 0.1);
  EXPECT_TRUE(step->mean);
  model.autocast(DType::bfloat16);
  EXPECT_EQ(describe_step(model, loss), nullptr);
}

// A dropout is nothing to a plan, and a part of every step of training.
TEST(NetworkStep, LeavesNothingOutThatTrainingDoes) {
  Generator generator(1);
  Sequential model;
  model.add<Linear>("fc1", 4, 3, generator);
  model.add<ReLU>("relu");
  model.add<Dropout>("dropout", generator, 0.5);
  model.add<Linear>("fc2", 3, 2, generator);
  EXPECT_EQ(describe_step(model, CrossEntropyLoss()), nullptr);
}

}  // namespace
}  // namespace wick::nn
