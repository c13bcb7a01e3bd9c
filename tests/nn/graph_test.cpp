// SPDX-License-Identifier: MIT
// Networks that branch, meet again, and use a module twice.
#include "wick/nn/graph.h"

#include <random>

#include <gtest/gtest.h>

#include "tests/count_allocations.h"
#include "tests/nn/finite_differences.h"
#include "tests/support.h"
#include "wick/core/backend/elementwise.h"
#include "wick/core/error.h"
#include "wick/core/random.h"
#include "wick/nn/layers/dropout.h"
#include "wick/nn/residual.h"
#include "wick/nn/sequential.h"

namespace wick::nn {
namespace {

using testing::check_module;
using testing::expect_throw_with;

constexpr LinearOptions kFloat64{.dtype = DType::float64};

Tensor normal(const Dims& shape, Generator& generator, DType dtype = DType::float64) {
  return Tensor::normal(shape, 0.0, 1.0, generator, dtype);
}

TEST(Graph, EveryOperationHasItsGradient) {
  Generator generator(1);
  Graph graph;
  const auto x = graph.input();
  const auto h = graph.call<Linear>("fc1", x, 6, 6, generator, kFloat64);
  const auto r = graph.call<ReLU>("relu", h);
  const auto sum = graph.add(r, x);
  const auto product = graph.multiply(sum, h);  // h has three uses
  const auto both = graph.concatenate({product, h, x}, 1);
  const auto part = graph.narrow(both, -1, 3, 12);
  const auto cube = graph.reshape(part, {-1, 3, 4});
  const auto one = graph.select(cube, 1, -2);
  graph.output(graph.call<Linear>("fc2", one, 4, 3, generator, kFloat64));
  check_module(graph, normal({5, 6}, generator));
}

TEST(Graph, AModuleThatAppearsTwiceAddsUpItsGradients) {
  Generator generator(2);
  Graph graph;
  const auto x = graph.input();
  const auto once = graph.call<Linear>("fc", x, 4, 4, generator, kFloat64);
  const auto twice = graph.again("fc", graph.call<ReLU>("relu", once));
  graph.output(graph.again("fc", twice));
  EXPECT_EQ(graph.parameters().size(), 2U);
  EXPECT_EQ(graph.state_dict().size(), 2U);
  check_module(graph, normal({3, 4}, generator));
  EXPECT_THROW(graph.again("other", x), ValueError);
}

TEST(Graph, ApplyReachesEachUseOfADropout) {
  Generator before(2);
  Generator after(3);
  Graph graph;
  const auto once = graph.call<Dropout>("dropout", graph.input(), before, 0.5);
  graph.output(graph.again("dropout", once));
  graph.apply([&](Module& module) {
    if (auto* const dropout = dynamic_cast<Dropout*>(&module)) dropout->set_generator(after);
  });
  static_cast<void>(graph.forward(Tensor::full({9}, 1.0)));
  Generator fresh(2);
  EXPECT_TRUE(
      bitwise_equal(Tensor::normal({4}, 0.0, 1.0, before), Tensor::normal({4}, 0.0, 1.0, fresh)))
      << "nothing was drawn from the generator before";
}

TEST(Graph, ValuesWithManyUsesGetTheSumOfRandomNetworks) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  Generator generator(seed);
  for (int round = 0; round < 6; ++round) {
    Graph graph;
    std::vector<Graph::Node> nodes = {graph.input()};
    const auto pick = [&] { return nodes[random() % nodes.size()]; };
    const int count = 3 + static_cast<int>(random() % 8);
    for (int i = 0; i < count; ++i) {
      const std::string name = concat("n", i);
      switch (random() % 4) {
        case 0: nodes.push_back(graph.call<Linear>(name, pick(), 3, 3, generator, kFloat64)); break;
        case 1: nodes.push_back(graph.call<ReLU>(name, pick())); break;
        case 2: nodes.push_back(graph.add(pick(), pick())); break;
        default: nodes.push_back(graph.multiply(pick(), pick()));
      }
    }
    // All of them count.
    auto sum = nodes.back();
    for (const auto node : nodes) sum = graph.add(sum, node);
    graph.output(sum);
    // Of moderate size: products of products are steep.
    check_module(graph, Tensor::uniform({2, 3}, -0.6, 0.6, generator, DType::float64));
  }
}

TEST(Graph, SeveralInputsAndOutputs) {
  Generator generator(3);
  Graph graph;
  const auto a = graph.input();
  const auto b = graph.input();
  const auto body =
      graph.call<ReLU>("relu", graph.call<Linear>("body", graph.add(a, b), 4, 5, generator));
  graph.output(graph.call<Linear>("actor", body, 5, 3, generator));
  graph.output(graph.call<Linear>("critic", body, 5, 1, generator));
  const std::vector<Tensor> inputs = {normal({2, 4}, generator, DType::float32),
                                      normal({2, 4}, generator, DType::float32)};
  const auto outputs = graph.forward_all(inputs);
  ASSERT_EQ(outputs.size(), 2U);
  EXPECT_EQ(outputs[0].shape(), (Dims{2, 3}));
  EXPECT_EQ(outputs[1].shape(), (Dims{2, 1}));
  const std::vector<Tensor> grads = {Tensor::ones({2, 3}), Tensor::ones({2, 1})};
  const auto input_grads = graph.backward_all(grads);
  EXPECT_TRUE(bitwise_equal(input_grads[0], input_grads[1]));
  EXPECT_THROW((void)graph.forward(inputs[0]), ValueError);
  EXPECT_THROW((void)graph.backward_all(grads), ValueError) << "a second time";

  // A head without a gradient is as one with zeros.
  graph.zero_grad();
  (void)graph.forward_all(inputs);
  (void)graph.backward_all(std::vector<Tensor>{grads[0], Tensor()});
  const auto names = graph.named_parameters();
  EXPECT_EQ(names[4].first, "critic.weight");
  EXPECT_FALSE(names[4].second->has_grad);
  const Tensor body_grad = names[0].second->grad.clone();
  graph.zero_grad();
  (void)graph.forward_all(inputs);
  (void)graph.backward_all(std::vector<Tensor>{grads[0], Tensor::zeros({2, 1})});
  EXPECT_TRUE(bitwise_equal(names[0].second->grad, body_grad));
}

TEST(Graph, ShapesThatDoNotFitAreNamed) {
  Generator generator(4);
  Graph graph;
  const auto x = graph.input();
  graph.output(graph.concatenate({x, graph.reshape(x, {-1, 2})}, 0));
  EXPECT_NO_THROW((void)graph.forward(Tensor::ones({3, 2})));
  expect_throw_with<ShapeError>([&] { (void)graph.forward(Tensor::ones({3, 4})); }, "concatenate");
  Graph other;
  const auto y = other.input();
  other.output(other.add(y, other.narrow(y, 1, 0, 2)));
  expect_throw_with<ShapeError>([&] { (void)other.forward(Tensor::ones({3, 4})); }, "add");
  expect_throw_with<ShapeError>([&] { (void)other.forward(Tensor::ones({3, 1})); }, "narrow");
  Graph column;  // ops::multiply() would broadcast it
  const auto z = column.input();
  column.output(column.multiply(z, column.narrow(z, 1, 0, 1)));
  expect_throw_with<ShapeError>([&] { (void)column.forward(Tensor::ones({3, 4})); }, "multiply");
  EXPECT_THROW(graph.add(x, Graph::Node{}), ValueError);
  EXPECT_THROW(graph.add(x, Graph::Node{99}), ValueError);
}

TEST(Graph, StandsInASequentialAndIsFusedWithIt) {
  Generator generator(5);
  auto graph = std::make_unique<Graph>();
  const auto x = graph->input();
  graph->output(graph->add(graph->call<Linear>("fc", x, 4, 4, generator, kFloat64), x));
  Sequential model;
  model.add<Linear>("first", 3, 4, generator, kFloat64);
  model.add<ReLU>("relu");
  model.append("graph", std::move(graph));
  model.add<ReLU>("relu2");
  auto body = std::make_unique<Sequential>();
  body->add<Linear>("0", 4, 4, generator, kFloat64);
  body->add<ReLU>("1");
  model.add<Residual>("residual", "body", std::move(body));
  check_module(model, normal({4, 3}, generator));
  std::vector<std::string> names;
  for (const auto& [name, parameter] : model.named_parameters()) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"first.weight", "first.bias", "graph.fc.weight",
                                             "graph.fc.bias", "residual.body.0.weight",
                                             "residual.body.0.bias"}));
}

TEST(Graph, AllocatesNothingAfterTheSecondStep) {
  Generator generator(6);
  Graph graph;
  const auto x = graph.input();
  const auto h = graph.call<Linear>("fc", x, 8, 8, generator);
  const auto r = graph.again("fc", graph.call<ReLU>("relu", h));
  const auto both = graph.concatenate({graph.add(r, x), graph.multiply(h, r)}, 1);
  graph.output(graph.narrow(both, 1, 2, 9));
  const Tensor input = normal({7, 8}, generator, DType::float32);
  const Tensor grad = normal({7, 9}, generator, DType::float32);
  std::size_t before = 0;
  for (int step = 0; step < 5; ++step) {
    if (step == 2) before = testing::allocation_count();
    (void)graph.forward(input);
    graph.backward(grad);
  }
  EXPECT_EQ(testing::allocation_count(), before);
}

TEST(Graph, ClonesHaveTheirOwnParametersAndTwins) {
  Generator generator(7);
  Graph graph;
  const auto x = graph.input();
  graph.output(graph.again("fc", graph.call<Linear>("fc", x, 3, 3, generator)));
  const auto copy = clone(graph);
  const Tensor input = normal({2, 3}, generator, DType::float32);
  EXPECT_TRUE(bitwise_equal(copy->forward(input), graph.forward(input)));
  graph.parameters()[0]->value.zero_();
  graph.parameters()[1]->value.zero_();
  EXPECT_FALSE(bitwise_equal(copy->forward(input), Tensor::zeros({2, 3})));
  EXPECT_TRUE(bitwise_equal(graph.forward(input), Tensor::zeros({2, 3})));
  copy->parameters()[0]->value.zero_();
  copy->parameters()[1]->value.zero_();
  EXPECT_TRUE(bitwise_equal(copy->forward(input), Tensor::zeros({2, 3})));
}

// y = relu(x W) * x, by a class of its own.
class Gate final : public Composite {
 public:
  explicit Gate(Generator& generator)
      : gate_(register_child("gate", std::make_unique<Linear>(4, 4, generator, kFloat64))),
        relu_(register_child("relu", std::make_unique<ReLU>())) {}
  [[nodiscard]] std::string_view type_name() const noexcept override { return "Gate"; }
  [[nodiscard]] ValueId append_steps(StepList& steps, ValueId x) const override {
    return steps.multiply(steps.module("relu", relu_, steps.module("gate", gate_, x)), x);
  }

 private:
  Linear& gate_;
  ReLU& relu_;
};

TEST(Composite, HasForwardAndBackwardFromItsSteps) {
  Generator generator(8);
  Gate gate(generator);
  check_module(gate, normal({3, 4}, generator));
  Sequential model;
  model.add<Gate>("gate", generator);
  model.add<Linear>("fc", 4, 2, generator, kFloat64);
  check_module(model, normal({3, 4}, generator));
  expect_throw_with<ValueError>([&] { (void)model.clone(); }, "Gate: clone()");
}

// A description that leaves out the module that is to do the work.
class Bare final : public Composite {
 public:
  [[nodiscard]] std::string_view type_name() const noexcept override { return "Bare"; }
  [[nodiscard]] ValueId append_steps(StepList& steps, ValueId x) const override {
    return steps.unary(x, UnaryOp::relu);
  }
};

// The same child in two steps.
class Repeated final : public Composite {
 public:
  Repeated() : relu_(register_child("relu", std::make_unique<ReLU>())) {}
  [[nodiscard]] std::string_view type_name() const noexcept override { return "Repeated"; }
  [[nodiscard]] ValueId append_steps(StepList& steps, ValueId x) const override {
    return steps.module("relu", relu_, steps.module("relu", relu_, x));
  }

 private:
  ReLU& relu_;
};

TEST(Composite, ADescriptionThatCannotBeTrainedIsRefused) {
  Bare bare;
  expect_throw_with<ValueError>(
      [&] {
        (void)bare.forward(Tensor::ones({2, 2}));
      },
      "register a child");
  Repeated repeated;
  expect_throw_with<ValueError>([&] { (void)repeated.forward(Tensor::ones({2, 2})); }, "share()");
}

}  // namespace
}  // namespace wick::nn
