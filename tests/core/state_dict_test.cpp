// SPDX-License-Identifier: MIT
#include "wick/core/state_dict.h"

#include <gtest/gtest.h>

#include "tests/support.h"

namespace wick {
namespace {

using testing::expect_throw_with;

StateDict two_layers() {
  StateDict dict;
  dict.set("1.weight", Tensor::ones({2, 3}));
  dict.set("1.bias", Tensor::zeros({2}));
  dict.set("0.weight", Tensor::arange(4));
  return dict;
}

TEST(StateDict, KeepsOrderAndOverwritesInPlace) {
  StateDict dict = two_layers();
  dict.set("1.weight", Tensor::zeros({1}));
  std::vector<std::string> names;
  for (const auto& [name, tensor] : dict) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"1.weight", "1.bias", "0.weight"}));
  EXPECT_EQ(dict.size(), 3U);
  EXPECT_EQ(dict.at("1.weight").shape(), Dims{1});
  EXPECT_TRUE(dict.contains("1.bias"));
  EXPECT_FALSE(dict.contains("bias"));
  EXPECT_EQ(dict.find("bias"), nullptr);
  EXPECT_FALSE(dict.empty());
  EXPECT_TRUE(StateDict().empty());
  expect_throw_with<StateDictError>([&] { static_cast<void>(dict.at("bias")); }, "\"bias\"");
}

TEST(StateDict, SharesStorageWithItsTensors) {
  const Tensor weight = Tensor::zeros({2});
  StateDict dict;
  dict.set("weight", weight);
  dict.at("weight").fill_(3.0);
  EXPECT_EQ(weight.at<float>({1}), 3.0F);
}

TEST(StateDict, BecomesAnOrderedDictAndComesBack) {
  StateDict dict = two_layers();
  auto metadata = std::make_shared<Dict>();
  metadata->set("", Dict{{"version", 1}});
  dict.set_metadata(metadata);
  const Value value = dict.to_value();
  EXPECT_EQ(value.as_dict().type(), Dict::Type::ordered_dict);
  EXPECT_EQ(value.as_dict().begin()->first.as_string(), "1.weight");
  EXPECT_EQ(value.as_dict().attributes()->at("_metadata").at("").at("version").as_int(), 1);
  const StateDict back = StateDict::from_value(value);
  EXPECT_EQ(back.to_value(), value);
  ASSERT_NE(back.metadata(), nullptr);
  EXPECT_EQ(back.metadata()->at("").at("version").as_int(), 1);
  EXPECT_EQ(back.at("0.weight").raw(), dict.at("0.weight").raw()) << "no copy of the elements";
}

TEST(StateDict, WithoutMetadataHasNoAttributes) {
  EXPECT_EQ(two_layers().to_value().as_dict().attributes(), nullptr);
  EXPECT_EQ(StateDict::from_value(Dict{{"w", Tensor::zeros({1})}}).metadata(), nullptr);
}

TEST(StateDict, RefusesOtherValues) {
  const auto refuse = [](const Value& value, const std::string& text) {
    expect_throw_with<StateDictError>([&] { static_cast<void>(StateDict::from_value(value)); },
                                      text);
  };
  refuse(List{}, "list");
  refuse(Dict{{1, Tensor::zeros({1})}}, "int");
  refuse(Dict{{"epoch", 3}}, "\"epoch\" must be a torch.Tensor, got a int");
}

TEST(StateDict, CopiesAreIndependentLists) {
  const StateDict original = two_layers();
  StateDict copy = original;
  copy.set("new", Tensor::zeros({1}));
  EXPECT_EQ(original.size(), 3U);
  EXPECT_EQ(copy.at("1.bias").raw(), original.at("1.bias").raw());
}

}  // namespace
}  // namespace wick
