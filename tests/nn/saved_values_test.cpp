// SPDX-License-Identifier: MIT
// A gradient is that of the last forward(), or backward() throws.
#include <functional>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/random.h"
#include "wick/nn/sequential.h"

namespace wick::nn {
namespace {

using testing::expect_throw_with;

constexpr const char* kAgain = "call forward() again before it";

struct Network {
  Network() {
    Generator generator(3);
    model.add<Linear>("fc1", 6, 8, generator);
    model.add<ReLU>("relu1");
    auto& tail = model.add<Sequential>("tail");
    tail.add<Linear>("fc2", 8, 5, generator);
    tail.add<ReLU>("relu2");
    model.add<Linear>("fc3", 5, 3, generator);
    x = Tensor::normal({4, 6}, 0, 1, generator);
    v = Tensor::normal({9, 6}, 0, 1, generator);
    grad = Tensor::normal({4, 3}, 0, 1, generator);
    grad_v = Tensor::normal({9, 3}, 0, 1, generator);
  }
  Sequential model;
  Tensor x, v, grad, grad_v;
};

void expect_same_gradients(const Network& a, const Network& b) {
  for (std::size_t i = 0; i < a.model.parameters().size(); ++i) {
    EXPECT_TRUE(bitwise_equal(a.model.parameters()[i]->grad, b.model.parameters()[i]->grad)) << i;
  }
}

bool has_any_gradient(const Module& module) {
  for (const auto& parameter : module.parameters()) {
    if (parameter->has_grad) return true;
  }
  return false;
}

TEST(SavedValues, EvaluationBetweenForwardAndBackwardIsAnError) {
  Network network;
  Sequential& model = network.model;
  (void)model.forward(network.x);
  model.eval();
  (void)model.forward(network.v);
  model.train();
  expect_throw_with<ValueError>([&] { model.backward(network.grad); }, kAgain);
  expect_throw_with<ValueError>([&] { model.backward(network.grad_v); }, kAgain);
  EXPECT_FALSE(has_any_gradient(model)) << "nothing was added";

  Network other;
  (void)model.forward(network.x);
  (void)other.model.forward(other.x);
  EXPECT_TRUE(bitwise_equal(model.backward(network.grad), other.model.backward(other.grad)));
  expect_same_gradients(network, other);
}

TEST(SavedValues, TheModeAloneDropsThem) {
  Network network;
  Sequential& model = network.model;
  (void)model.forward(network.x);
  model.train();  // it is in training mode
  model.backward(network.grad);
  (void)model.forward(network.x);
  model.eval();
  model.train();
  expect_throw_with<ValueError>([&] { model.backward(network.grad); }, kAgain);
  // Of one layer, too: the network's backward() needs all.
  (void)model.forward(network.x);
  model.children()[0].second->eval();
  expect_throw_with<ValueError>([&] { model.backward(network.grad); }, "fc1: Linear(6, 8): ");
  (void)model.forward(network.x);
  model.train();  // changes that layer only
  expect_throw_with<ValueError>([&] { model.backward(network.grad); }, kAgain);
}

TEST(SavedValues, AreLetGoOf) {
  Network network;
  (void)network.model.forward(network.x);
  const std::weak_ptr<Storage> input = network.x.storage();
  network.x = Tensor();
  EXPECT_FALSE(input.expired());
  network.model.eval();
  EXPECT_TRUE(input.expired());
}

// As in PyTorch, where eval() changes nothing for these layers.
TEST(SavedValues, EvaluationHasTheSameGradients) {
  for (const bool autocast : {false, true}) {
    Network trained;
    Network evaluated;
    if (autocast) {
      trained.model.autocast(DType::bfloat16);
      evaluated.model.autocast(DType::bfloat16);
    }
    (void)evaluated.model.forward(evaluated.x);
    evaluated.model.backward(evaluated.grad);
    evaluated.model.zero_grad();
    evaluated.model.eval();
    // More rows than training has seen.
    EXPECT_TRUE(
        bitwise_equal(evaluated.model.forward(evaluated.v), trained.model.forward(trained.v)));
    EXPECT_TRUE(bitwise_equal(evaluated.model.backward(evaluated.grad_v),
                              trained.model.backward(trained.grad_v)));
    expect_same_gradients(evaluated, trained);
  }
}

TEST(SavedValues, OneForwardServesOneBackward) {
  Network network;
  (void)network.model.forward(network.x);
  network.model.backward(network.grad);
  const Tensor before = network.model.parameters()[0]->grad.clone();
  expect_throw_with<ValueError>([&] { network.model.backward(network.grad); },
                                "a second backward() after one forward()");
  EXPECT_TRUE(bitwise_equal(network.model.parameters()[0]->grad, before));
  Generator generator(1);
  Linear linear(3, 2, generator);
  ReLU relu;
  for (Module* const layer : std::initializer_list<Module*>{&linear, &relu}) {
    const Tensor y = layer->forward(Tensor::ones({2, 3}));
    layer->backward(Tensor::ones(y.shape()));
    expect_throw_with<ValueError>([&] { layer->backward(Tensor::ones(y.shape())); }, "second");
  }
}

TEST(SavedValues, BackwardNamesTheLayerThatLacksThem) {
  Network network;
  Sequential& model = network.model;
  expect_throw_with<ValueError>([&] { model.backward(network.grad); },
                                "Sequential: backward() before any forward()");
  // A forward() of one layer alone has replaced what the network's has saved.
  (void)model.forward(network.x);
  (void)model.children()[0].second->forward(network.v);
  expect_throw_with<ValueError>([&] { model.backward(network.grad); }, "fc1: Linear(6, 8): ");
  (void)model.forward(network.x);
  Module& tail = *model.children()[2].second;
  (void)tail.children()[0].second->forward(Tensor::ones({4, 8}));
  expect_throw_with<ValueError>([&] { model.backward(network.grad); }, "tail.fc2: Linear(8, 5): ");
  EXPECT_FALSE(has_any_gradient(model));
}

TEST(SavedValues, AForwardThatFailsLeavesNoneOfTwoBatches) {
  Generator generator(1);
  Sequential model;
  model.add<Linear>("fc1", 4, 4, generator);
  model.add<Linear>("fc2", 5, 2, generator);  // does not fit
  EXPECT_THROW((void)model.forward(Tensor::ones({2, 4})), ShapeError);
  expect_throw_with<ValueError>([&] { model.backward(Tensor::ones({2, 2})); }, kAgain);
  // An input that is refused has replaced nothing.
  Linear layer(4, 2, generator);
  (void)layer.forward(Tensor::ones({2, 4}));
  EXPECT_THROW((void)layer.forward(Tensor::ones({2, 3})), ShapeError);
  layer.backward(Tensor::ones({2, 2}));
}

TEST(SavedValues, GradientsOfWrongShapeUseNothingUp) {
  Generator generator(1);
  Linear linear(3, 2, generator);
  ReLU relu;
  for (Module* const layer : std::initializer_list<Module*>{&linear, &relu}) {
    const Tensor y = layer->forward(Tensor::ones({2, 3}));
    expect_throw_with<ShapeError>([&] { layer->backward(Tensor::ones({5, 5})); }, "[5, 5]");
    layer->backward(Tensor::ones(y.shape()));
  }
}

TEST(SavedValues, NewWeightsAndMovesDropThem) {
  const std::vector<std::function<void(Sequential&)>> changes = {
      [](Sequential& model) { model.load_state_dict(Network().model.state_dict()); },
      [](Sequential& model) { model.to(kCpu); },
      [](Sequential& model) { model.to(DType::float64); }};
  for (const auto& change : changes) {
    Network network;
    (void)network.model.forward(network.x);
    change(network.model);
    expect_throw_with<ValueError>([&] { network.model.backward(network.grad); }, kAgain);
  }
}

}  // namespace
}  // namespace wick::nn
