// SPDX-License-Identifier: MIT
#include "wick/nn/summary.h"

#include <array>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/nn/graph.h"
#include "wick/nn/layers/batch_norm.h"
#include "wick/nn/layers/embedding.h"
#include "wick/nn/sequential.h"

namespace wick::nn {
namespace {

// 2 * 784 * 32 and 2 * 32 * 10 operations for each of the samples.
TEST(Summary, CountsLayersOfAChain) {
  Sequential model;
  model.add<Linear>("layer1", 784, 32);
  model.add<ReLU>("relu");
  model.add<Linear>("layer2", 32, 10);
  const Summary table = summary(model, {1, 784});
  ASSERT_EQ(table.rows.size(), 3U);
  EXPECT_EQ(table.rows[0].name, "layer1");
  EXPECT_EQ(table.rows[0].type, "Linear");
  EXPECT_EQ(table.rows[0].output_shape, (Dims{1, 32}));
  EXPECT_EQ(table.rows[0].parameters, 25120);
  EXPECT_DOUBLE_EQ(table.rows[0].mflop, 0.050176);
  EXPECT_EQ(table.rows[1].type, "ReLU");
  EXPECT_EQ(table.rows[1].parameters, 0);
  EXPECT_EQ(table.rows[2].output_shape, (Dims{1, 10}));
  EXPECT_EQ(table.parameters, 25450);
  EXPECT_EQ(table.trainable, 25450);
  EXPECT_EQ(table.bytes, 101800);
  EXPECT_DOUBLE_EQ(summary(model, {3, 784}).mflop, 3 * table.mflop);
  EXPECT_EQ(to_string(table),
            "Layer   Type    Output shape  Parameters  MFLOP\n"
            "layer1  Linear  [1, 32]           25,120  0.050\n"
            "relu    ReLU    [1, 32]                0  0.000\n"
            "layer2  Linear  [1, 10]              330  0.001\n"
            "Total                             25,450  0.051\n"
            "25,450 of 25,450 parameters are trainable; 0.10 MB\n");
  std::ostringstream out;
  out << table;
  EXPECT_EQ(out.str(), to_string(table));
}

TEST(Summary, LeavesTheModelAsItWas) {
  manual_seed(1);
  Sequential model{Linear(3, 4), BatchNorm1d(4)};
  const StateDict before = clone(model)->state_dict();
  const Tensor y = model.forward(Tensor::randn({5, 3}));
  static_cast<void>(summary(model, {1, 3}));
  EXPECT_TRUE(model.is_training());
  EXPECT_TRUE(model.is_ready_for_backward());
  EXPECT_TRUE(bitwise_equal(model.state_dict()["0.weight"], before["0.weight"]));
  model.backward(Tensor::ones_like(y));
}

TEST(Summary, TakesGraphsSharedLayersAndFrozenOnes) {
  Graph graph;
  const auto a = graph.input();
  const auto b = graph.input();
  auto rows = graph.call<Embedding>("table", a, 7, 4);
  const auto h = graph.call<Linear>("fc", b, 4, 4);
  rows = graph.add(rows, graph.again("fc", h));
  graph.output(rows);
  graph.children()[0].second->requires_grad_(false);
  const std::array<Tensor, 2> inputs{Tensor::zeros({2}, DType::int64), Tensor::zeros({2, 4})};
  const Summary table = summary(graph, inputs);
  ASSERT_EQ(table.rows.size(), 4U);
  EXPECT_EQ(table.rows[0].parameters, 28);
  EXPECT_EQ(table.rows[1].parameters, 20);
  EXPECT_EQ(table.rows[2].parameters, 20);
  EXPECT_EQ(table.rows[3].type, "add");
  EXPECT_EQ(table.rows[3].output_shape, (Dims{2, 4}));
  EXPECT_EQ(table.parameters, 48) << "the shared layer once";
  EXPECT_EQ(table.trainable, 20);
}

TEST(Summary, AShapeThatDoesNotFitIsTheLayersError) {
  Sequential model;
  model.add<Linear>("fc", 4, 2);
  wick::testing::expect_throw_with<ShapeError>(
      [&] {
        static_cast<void>(summary(model, {1, 5}));
      },
      "fc: Linear(4, 2)");
  wick::testing::expect_throw_with<ValueError>(
      [&] { static_cast<void>(summary(model, std::span<const Tensor>())); }, "1 inputs, got 0");
  EXPECT_EQ(summary(Sequential(), {1, 5}).rows.size(), 0U);
}

}  // namespace
}  // namespace wick::nn
