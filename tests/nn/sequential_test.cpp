// SPDX-License-Identifier: MIT
// Fusion in Sequential changes no number.
#include "wick/nn/sequential.h"

#include <type_traits>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/random.h"
#include "wick/nn/layers/dropout.h"
#include "wick/nn/layers/embedding.h"
#include "wick/nn/layers/softmax.h"
#include "wick/nn/make_module.h"

namespace wick::nn {
namespace {

TEST(Sequential, FusedForwardAndBackwardEqualTheLayersOneByOne) {
  Generator generator(3);
  const Tensor input = Tensor::normal({33, 40}, 0.0, 1.0, generator);
  const Tensor grad = Tensor::normal({33, 10}, 0.0, 1.0, generator);
  Generator first(1);
  Generator second(1);
  Sequential model;
  model.add<Linear>("0", 40, 21, first);
  model.add<ReLU>("1");
  model.add<Linear>("2", 21, 10, first);
  Linear fc1(40, 21, second);
  ReLU relu;
  Linear fc2(21, 10, second);

  const Tensor fused = model.forward(input);
  const Tensor plain = fc2.forward(relu.forward(fc1.forward(input)));
  EXPECT_TRUE(bitwise_equal(fused, plain));
  const Tensor fused_grad = model.backward(grad);
  const Tensor plain_grad = fc1.backward(relu.backward(fc2.backward(grad)));
  EXPECT_TRUE(bitwise_equal(fused_grad, plain_grad));
  const auto parameters = model.parameters();
  EXPECT_TRUE(bitwise_equal(parameters[0]->grad, fc1.weight()->grad));
  EXPECT_TRUE(bitwise_equal(parameters[1]->grad, fc1.bias()->grad));
  EXPECT_TRUE(bitwise_equal(parameters[2]->grad, fc2.weight()->grad));
}

TEST(Sequential, TheReLUsOwnBackwardWorksAfterAFusedForward) {
  Generator generator(4);
  Sequential model;
  model.add<Linear>("0", 5, 4, generator);
  auto& relu = model.add<ReLU>("1");
  const Tensor y = model.forward(Tensor::normal({6, 5}, 0.0, 1.0, generator));
  const Tensor grad = relu.backward(Tensor::ones({6, 4}));
  const auto values = y.to_vector<float>();
  const auto grads = grad.to_vector<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(grads[i], values[i] > 0.0F ? 1.0F : 0.0F);
  }
}

std::vector<std::string> names_of(const Sequential& model) {
  std::vector<std::string> names;
  for (const auto& [name, child] : model.children()) names.push_back(name);
  return names;
}

// torch.nn.Sequential(nn.Linear(3, 4), nn.ReLU(), ...) and append().
TEST(Sequential, NamesAreNumbersWhereNoneIsGiven) {
  Sequential model{Linear(3, 4), ReLU(), Linear(4, 2)};
  EXPECT_EQ(names_of(model), (std::vector<std::string>{"0", "1", "2"}));
  auto& softmax = model.add<Softmax>(0);
  EXPECT_EQ(softmax.extra_repr(), "dim=0");
  model.add<ReLU>();
  model.add<Linear>("head", 2, 5);
  model.append(std::make_unique<ReLU>());
  EXPECT_EQ(names_of(model), (std::vector<std::string>{"0", "1", "2", "3", "4", "head", "6"}));
  // A text is a name, never an argument of the layer.
  Sequential texts;
  texts.add<GELU>("tanh");
  texts.add<GELU>("0", "tanh");
  EXPECT_EQ(names_of(texts), (std::vector<std::string>{"tanh", "0"}));
  EXPECT_EQ(texts.children()[0].second->extra_repr(), "approximate='none'");
  EXPECT_EQ(texts.children()[1].second->extra_repr(), "approximate='tanh'");
  Sequential taken;
  taken.add<ReLU>("1");
  wick::testing::expect_throw_with<ValueError>([&] { taken.add<ReLU>(); }, "\"1\" is taken");
}

TEST(Sequential, MovesWithAllItsLayers) {
  manual_seed(1);
  Sequential model{Linear(3, 4), ReLU()};
  const Tensor x = Tensor::randn({2, 3});
  const Tensor y = model.forward(x).clone();
  const Tensor grad = model.backward(Tensor::ones({2, 4})).clone();
  Sequential moved(std::move(model));
  EXPECT_EQ(names_of(moved), (std::vector<std::string>{"0", "1"})) << "not one in another";
  EXPECT_TRUE(bitwise_equal(moved.forward(x), y));
  moved.zero_grad();
  EXPECT_TRUE(bitwise_equal(moved.backward(Tensor::ones({2, 4})), grad));
  Sequential outer{std::move(moved), Linear(4, 1)};
  EXPECT_EQ(outer.parameters().size(), 4U);
  EXPECT_TRUE(bitwise_equal(outer.children()[0].second->forward(x), y));
  EXPECT_EQ(names_of(Sequential{std::move(outer)}), std::vector<std::string>{"0"}) << "nested";
  EXPECT_EQ(names_of(Sequential{std::make_unique<ReLU>()}), std::vector<std::string>{"0"});
  static_assert(!std::is_constructible_v<Sequential::Item, Linear&>, "would move from it");
  static_assert(!std::is_constructible_v<Sequential, Linear, ReLU>, "their order would be open");
  static_assert(!std::is_copy_constructible_v<Sequential>);
}

// Layers without a generator draw as torch's do; tests/interop/printing_parity.py has the numbers.
TEST(Sequential, LayersDrawFromTheDefaultGenerator) {
  manual_seed(3);
  Sequential model{Linear(3, 4), Embedding(5, 2)};
  const auto made = make_module("Linear", {{"in_features", 2}, {"out_features", 3}});
  Generator same(3);
  const Linear linear(3, 4, same);
  const Embedding embedding(5, 2, same);
  const Linear third(2, 3, same);
  EXPECT_TRUE(bitwise_equal(model.parameters()[0]->value, linear.weight()->value));
  EXPECT_TRUE(bitwise_equal(model.parameters()[1]->value, linear.bias()->value));
  EXPECT_TRUE(bitwise_equal(model.parameters()[2]->value, embedding.weight()->value));
  EXPECT_TRUE(bitwise_equal(made->parameters()[0]->value, third.weight()->value));
  Dropout dropout(0.5);
  Dropout given(same, 0.5);
  const Tensor x = Tensor::ones({50});
  EXPECT_TRUE(bitwise_equal(dropout.forward(x), given.forward(x)));
  const auto copy = clone(dropout);
  EXPECT_TRUE(bitwise_equal(copy->forward(x), given.forward(x)));
}

TEST(Sequential, AnEmptyOneIsTheIdentity) {
  Sequential model;
  const Tensor x = Tensor::ones({2, 3});
  EXPECT_TRUE(bitwise_equal(model.forward(x), x));
  EXPECT_TRUE(bitwise_equal(model.backward(x), x));
}

TEST(Sequential, BatchesOfChangingSizeReuseTheLargestMemory) {
  Generator generator(5);
  Sequential model;
  model.add<Linear>("0", 5, 4, generator);
  const void* const memory = model.forward(Tensor::ones({8, 5})).raw();
  EXPECT_EQ(model.forward(Tensor::ones({3, 5})).shape(), (Dims{3, 4}));
  EXPECT_EQ(model.forward(Tensor::ones({3, 5})).raw(), memory);
  EXPECT_EQ(model.forward(Tensor::ones({8, 5})).raw(), memory);
}

}  // namespace
}  // namespace wick::nn
