// SPDX-License-Identifier: MIT
// Layers of a state dictionary, put in order.
#include "nn/linear_chain.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <random>

#include <gmock/gmock.h>

#include "nn/name_order.h"
#include "tests/support.h"
#include "wick/core/error.h"

namespace wick::nn {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using wick::testing::expect_throw_with;

using Names = std::vector<std::string>;

/// Layers (name, in, out) in the order of a file.
struct Given {
  std::string name;
  std::int64_t in;
  std::int64_t out;
};

StateDict state_of(const std::vector<Given>& layers) {
  StateDict state;
  for (const Given& layer : layers) {
    state.set(layer.name + ".weight", Tensor::ones({layer.out, layer.in}));
    state.set(layer.name + ".bias", Tensor::zeros({layer.out}));
  }
  return state;
}

Names order_of(const std::vector<Given>& layers) {
  Names names;
  for (const LinearLayer& layer : find_linear_chain(state_of(layers), "f").layers) {
    names.push_back(layer.name);
  }
  return names;
}

void expect_refused(const StateDict& state, const std::string& text) {
  expect_throw_with<StateDictError>([&] { (void)find_linear_chain(state, "'f.pt'"); }, text);
}

TEST(NameOrder, NumbersDecideByTheirValue) {
  EXPECT_TRUE(order_by_numbers("layer2", "layer10") < 0);
  EXPECT_TRUE(order_by_numbers("encoder.layers.3.0", "encoder.layers.3.2") < 0);
  EXPECT_TRUE(order_by_numbers("encoder.layers.10.0", "encoder.layers.9.5") > 0);
  EXPECT_TRUE(order_by_numbers("a007.x", "a8.y") < 0);
  EXPECT_TRUE(order_by_numbers("n99999999999999999999998", "n99999999999999999999999") < 0);
}

TEST(NameOrder, OtherDifferencesDecideNothing) {
  for (const auto& [a, b] : {std::pair{"encoder.0", "decoder.1"},
                             {"fc1", "out"},
                             {"fc1", "fc1.0"},
                             {"fc01", "fc1"},
                             {"fc1a", "fc1b"},
                             {"same", "same"}}) {
    EXPECT_EQ(order_by_numbers(a, b), std::partial_ordering::unordered) << a << ' ' << b;
  }
}

TEST(LinearChain, NumbersInTheNamesDecideTheOrder) {
  // Python's sorted() puts layer10 before layer2.
  std::vector<Given> layers;
  for (int i = 1; i <= 12; ++i) layers.push_back({"layer" + std::to_string(i), 8, 8});
  Names wanted;
  for (const Given& layer : layers) wanted.push_back(layer.name);
  EXPECT_THAT(find_linear_chain(state_of(layers), "f").notes, IsEmpty());
  std::ranges::sort(layers, {}, &Given::name);
  ASSERT_EQ(layers[1].name, "layer10");
  EXPECT_EQ(order_of(layers), wanted);
  EXPECT_THAT(find_linear_chain(state_of(layers), "f").notes,
              ElementsAre(HasSubstr("order of the numbers in their names, which is not that of the"
                                    " file: 'layer1.weight', 'layer2.weight', 'layer3.weight'")));
}

TEST(LinearChain, AnyNumberedNamesInAnyOrderOfTheFile) {
  const auto seed = std::random_device{}();
  std::mt19937 random(seed);
  const auto pick = [&random](int below) {
    return static_cast<int>(random() % static_cast<unsigned>(below));
  };
  for (int round = 0; round < 300; ++round) {
    std::vector<Given> layers;
    int block = pick(3);
    int part = 0;
    std::int64_t width = 1 + pick(4);
    const int count = 1 + pick(14);
    const int pattern = pick(4);
    for (int i = 0; i < count; ++i) {
      if (pick(3) == 0) {
        block += 1 + pick(9);
        part = pick(3);
      } else {
        part += 1 + pick(12);
      }
      const std::string a = std::to_string(block);
      const std::string b = std::to_string(part);
      const std::string names[] = {concat("layers.", a, '.', b), concat("net.block", a, ".fc", b),
                                   concat('h', a, '_', b), concat('m', a, ".0.", b, ".linear")};
      const std::int64_t next = 1 + pick(4);
      layers.push_back({names[pattern], width, next});
      width = next;
    }
    Names wanted;
    for (const Given& layer : layers) wanted.push_back(layer.name);
    std::ranges::shuffle(layers, random);
    ASSERT_EQ(order_of(layers), wanted) << "seed " << seed << ", round " << round;
  }
}

TEST(LinearChain, ShapesDecideWhereOnlyOneOrderFits) {
  EXPECT_EQ(order_of({{"output", 32, 10}, {"hidden", 784, 32}}), (Names{"hidden", "output"}));
  // Numbers order the body, shapes put the head behind it.
  EXPECT_EQ(order_of({{"head", 4, 2}, {"body.2", 4, 4}, {"body.10", 4, 4}, {"body.0", 9, 4}}),
            (Names{"body.0", "body.2", "body.10", "head"}));
  // The numbers are sizes.
  const std::vector<Given> sizes = {{"fc64to10", 64, 10}, {"fc784to64", 784, 64}};
  EXPECT_EQ(order_of(sizes), (Names{"fc784to64", "fc64to10"}));
  EXPECT_THAT(find_linear_chain(state_of(sizes), "f").notes,
              ElementsAre(HasSubstr("only order that their shapes allow: 'fc784to64.weight'")));
  EXPECT_EQ(order_of({{"only", 3, 2}}), (Names{"only"}));
}

TEST(LinearChain, WhatStaysAmbiguousIsRefused) {
  for (const auto& layers :
       {std::vector<Given>{{"in", 784, 32}, {"a", 32, 32}, {"b", 32, 32}, {"out", 32, 10}},
        std::vector<Given>{{"encoder.0", 8, 8}, {"decoder.0", 8, 8}},
        std::vector<Given>{{"a", 8, 4}, {"b", 4, 8}},
        std::vector<Given>{{"fc1", 4, 4}, {"fc01", 4, 4}}}) {
    expect_refused(state_of(layers), "'f.pt': the order of its layers is ambiguous");
  }
  // Too many to try them all; the answer comes at once.
  std::vector<Given> many;
  for (int i = 0; i < 200; ++i)
    many.push_back({std::string(static_cast<std::size_t>(1 + i), 'x'), 8, 8});
  expect_refused(state_of(many), "ambiguous");
  many.clear();
  for (int i = 0; i < 5000; ++i) {
    many.push_back({concat(std::string(static_cast<std::size_t>(1 + i % 7), 'y'), i), 2, 2});
  }
  expect_refused(state_of(many), "ambiguous");
}

TEST(LinearChain, NumbersThatContradictTheShapesAreRefused) {
  expect_refused(state_of({{"layer1", 784, 32}, {"layer2", 16, 10}}),
                 "'layer1.weight' gives 32 numbers, 'layer2.weight' takes 16");
  // Two orders fit, neither of them that of the numbers.
  expect_refused(state_of({{"l1", 4, 4}, {"l2", 2, 4}, {"l3", 4, 4}}),
                 "'l1.weight' gives 4 numbers, 'l2.weight' takes 2");
}

TEST(LinearChain, KeysOfNoLayerAreNamed) {
  StateDict state = state_of({{"fc1", 4, 3}, {"fc2", 3, 2}});
  state.set("norm.running_mean", Tensor::zeros({3}));
  expect_refused(state, "'norm.running_mean' of shape [3] belongs to none");
  state.set("bias", Tensor::zeros({3}));
  state.set("fc1.weight_scale", Tensor::ones({1}));
  expect_refused(state, "and neither do 'bias', 'fc1.weight_scale'");
  StateDict convolution = state_of({{"fc", 4, 3}});
  convolution.set("conv.weight", Tensor::zeros({4, 1, 3, 3}));
  convolution.set("conv.bias", Tensor::zeros({4}));
  expect_refused(convolution, "'conv.weight' of shape [4, 1, 3, 3] belongs to none, and neither");
  expect_refused(StateDict(), "no matrix named *.weight");
}

TEST(LinearChain, WeightsThatAreNoRealNumbersAreRefused) {
  const auto with = [](const Tensor& weight) {
    StateDict state;
    state.set("fc1.weight", weight);
    return state;
  };
  expect_refused(with(Tensor::zeros({2, 3}, DType::complex64)),
                 "'f.pt': 'fc1.weight' is complex64; a network of real numbers would lose");
  for (const DType dtype : {DType::int64, DType::int8, DType::uint8, DType::boolean}) {
    expect_refused(with(Tensor::zeros({2, 3}, dtype)), "which is no dtype of weights");
  }
  const float nan = std::numeric_limits<float>::quiet_NaN();
  expect_refused(with(Tensor::full({2, 3}, nan)),
                 "'fc1.weight' holds nothing but NaN in 6 elements");
  Tensor one = Tensor::ones({2, 3}, DType::float64);
  one[1][2].fill_(nan);
  expect_refused(with(one), "'fc1.weight' holds 1 NaN in 6 elements");
  expect_refused(with(Tensor::full({2, 3}, nan, DType::bfloat16)), "nothing but NaN");
  StateDict bias = with(Tensor::ones({2, 3}));
  bias.set("fc1.bias", Tensor::full({2}, nan));
  expect_refused(bias, "'fc1.bias' holds nothing but NaN in 2 elements");
  expect_refused(with(Tensor::zeros({0, 3})), "which is empty");
}

TEST(LinearChain, ABiasOfAnotherLengthIsNamed) {
  StateDict state;
  state.set("fc1.weight", Tensor::ones({2, 3}));
  state.set("fc1.bias", Tensor::ones({3}));
  expect_refused(state, "'fc1.bias' has shape [3], but 'fc1.weight' [2, 3]");
}

TEST(LinearChain, IsGivenUnderTheNamesOfTheTrainingProgram) {
  StateDict given;
  given.set("net.2.weight", Tensor::ones({2, 4}));
  given.set("net.0.weight", Tensor::ones({4, 3}, DType::float64));
  given.set("net.0.bias", Tensor::ones({4}));
  const LinearChain chain = find_linear_chain(given, "f");
  EXPECT_EQ(layer_sizes(chain), (std::vector<std::int64_t>{3, 4, 2}));
  const StateDict state = numbered_state(chain);
  Names keys;
  for (const auto& [key, tensor] : state) keys.push_back(key);
  EXPECT_EQ(keys, (Names{"layer1.weight", "layer1.bias", "layer2.weight"}));
  EXPECT_TRUE(bitwise_equal(state.at("layer1.weight"), given.at("net.0.weight")));
  StateDict bare;
  bare.set("weight", Tensor::ones({2, 4}));
  bare.set("bias", Tensor::ones({2}));
  EXPECT_EQ(numbered_state(find_linear_chain(bare, "f"), "fc").size(), 2U);
}

}  // namespace
}  // namespace wick::nn
