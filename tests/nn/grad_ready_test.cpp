// SPDX-License-Identifier: MIT
// Parameters report when a backward pass has finished their gradients.
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "wick/core/ops.h"
#include "wick/core/random.h"
#include "wick/nn/graph.h"
#include "wick/nn/layers/norm.h"
#include "wick/nn/sequential.h"

namespace wick::nn {
namespace {

struct Reports {
  std::vector<std::string> names;
  std::vector<Tensor> gradients;  // as they were when they were reported
};

// Must outlive the model's backward passes.
void listen(Module& model, Reports& reports) {
  for (const auto& [name, parameter] : model.named_parameters()) {
    parameter->grad_ready_hook = [&reports, name = name](Parameter& each) {
      EXPECT_TRUE(each.has_grad) << name;
      reports.names.push_back(name);
      reports.gradients.push_back(each.grad.clone());
    };
  }
}

void expect_final(const Module& model, const Reports& reports) {
  for (const auto& [name, parameter] : model.named_parameters()) {
    for (std::size_t i = 0; i < reports.names.size(); ++i) {
      if (reports.names[i] != name) continue;
      EXPECT_TRUE(bitwise_equal(reports.gradients[i], parameter->grad)) << name;
    }
  }
}

TEST(GradReady, InTheOrderOfBackwardWithTheWholeGradient) {
  Generator generator(std::random_device{}());
  Sequential model;
  model.add<Linear>("fc1", 5, 7, generator);
  model.add<LayerNorm>("norm", Dims{7});
  model.add<ReLU>("relu");
  model.add<Linear>("fc2", 7, 3, generator);
  Reports reports;
  listen(model, reports);
  const Tensor x = Tensor::normal({4, 5}, 0.0, 1.0, generator);
  for (int pass = 0; pass < 2; ++pass) {  // the second adds to the first
    reports = {};
    const Tensor y = model.forward(x);
    (void)model.backward(Tensor::ones(y.shape()), pass == 0);
    EXPECT_EQ(reports.names, (std::vector<std::string>{"fc2.weight", "fc2.bias", "norm.weight",
                                                       "norm.bias", "fc1.weight", "fc1.bias"}));
    expect_final(model, reports);
  }
}

TEST(GradReady, NotOfWhatIsFrozen) {
  Generator generator(1);
  Sequential model;
  model.add<Linear>("fc1", 5, 7, generator);
  model.add<Linear>("fc2", 7, 3, generator);
  Reports reports;
  listen(model, reports);
  model.named_parameters()[2].second->requires_grad = false;
  model.children()[0].second->requires_grad_(false);
  const Tensor y = model.forward(Tensor::ones({2, 5}));
  (void)model.backward(Tensor::ones(y.shape()));
  EXPECT_EQ(reports.names, (std::vector<std::string>{"fc2.bias"}));
}

TEST(GradReady, OnceForAParameterOfSeveralLayers) {
  Generator generator(3);
  Graph graph;
  const auto x = graph.input();
  const auto once = graph.call<Linear>("fc", x, 4, 4, generator);
  const auto twice = graph.again("fc", graph.call<ReLU>("relu", once));
  graph.output(graph.call<Linear>("head", twice, 4, 2, generator));
  graph.output(graph.again("fc", twice));  // a second output, which a loss may leave alone
  Reports reports;
  listen(graph, reports);
  const Tensor input = Tensor::normal({3, 4}, 0.0, 1.0, generator);
  const std::vector<std::string> expected{"head.weight", "head.bias", "fc.weight", "fc.bias"};
  for (const bool both : {true, false, true}) {
    graph.zero_grad();
    reports = {};
    (void)graph.forward_all({&input, 1});
    (void)graph.backward_all(
        std::vector<Tensor>{Tensor::ones({3, 2}), both ? Tensor::ones({3, 4}) : Tensor()}, false);
    EXPECT_EQ(reports.names, expected) << both;
    expect_final(graph, reports);
    for (const ParameterPtr& parameter : graph.parameters()) {
      EXPECT_EQ(parameter->grad_parts_left, 0);
    }
  }
}

TEST(GradReady, AnExceptionOfTheHookLeavesNothingBehind) {
  Generator generator(3);
  Graph graph;
  const auto once = graph.call<Linear>("fc", graph.input(), 4, 4, generator);
  graph.output(graph.call<Linear>("head", graph.again("fc", once), 4, 2, generator));
  Reports reports;
  listen(graph, reports);
  const auto step = [&] {
    const Tensor y = graph.forward(Tensor::ones({3, 4}));
    (void)graph.backward(Tensor::ones(y.shape()), false);
  };
  const ParameterPtr head = graph.named_parameters()[2].second;
  const auto hook = std::exchange(head->grad_ready_hook,
                                  [](Parameter&) { throw std::runtime_error("no network"); });
  EXPECT_THROW(step(), std::runtime_error);
  for (const ParameterPtr& each : graph.parameters()) EXPECT_EQ(each->grad_parts_left, 0);
  head->grad_ready_hook = hook;
  graph.zero_grad();
  reports = {};
  step();
  EXPECT_EQ(reports.names.size(), 4U);
  expect_final(graph, reports);
}

}  // namespace
}  // namespace wick::nn
