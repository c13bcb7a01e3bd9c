// SPDX-License-Identifier: MIT
// Networks in files of any program.
#include "tools/cli/foreign_model.h"

#include <gmock/gmock.h>

#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/serialize/checkpoint.h"
#include "wick/serialize/safetensors.h"

namespace wick::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using wick::testing::expect_throw_with;
using wick::testing::TempDir;

/// 3-4-2, with another number in each element.
StateDict small(const std::string& prefix = "") {
  StateDict state;
  state.set(prefix + "layer1.weight", Tensor::arange(12).to(DType::float32).view({4, 3}));
  state.set(prefix + "layer1.bias", Tensor::ones({4}));
  state.set(prefix + "layer2.weight", Tensor::arange(8).to(DType::float32).view({2, 4}));
  return state;
}

void expect_small(const ForeignModel& model) {
  const StateDict found = numbered_state(model.chain);
  ASSERT_EQ(found.size(), 3U);
  for (const auto& [key, tensor] : small())
    EXPECT_TRUE(bitwise_equal(found.at(key), tensor)) << key;
}

void expect_refused(const Value& checkpoint, const std::string& text) {
  expect_throw_with<StateDictError>([&] { (void)find_foreign_model(checkpoint, "'f.pt'"); }, text);
}

TEST(ForeignModel, IsFoundUnderAnyName) {
  const Value state = small().to_value();
  for (const Value& checkpoint :
       {state, Value(Dict{{"model", state}}), Value(Dict{{"model_state_dict", state}}),
        Value(Dict{{"state_dict", state}, {"epoch", 3}}), Value(Dict{{"net", state}}),
        Value(Dict{{"step", 4}, {"my own name", state}}), Value(Dict{{7, state}, {"m", state}}),
        Value(Dict{{"trainer", Dict{{"model", state}}}}),
        Value(Dict{{"a", Dict{{"b", Dict{{"x", 1}}}, {"weights", state}}}})}) {
    const ForeignModel model = find_foreign_model(checkpoint, "f");
    expect_small(model);
    EXPECT_THAT(model.notes, IsEmpty());
  }
}

TEST(ForeignModel, OtherEntriesMayHoldAnything) {
  const Tensor matrix = Tensor::ones({5, 5});
  const Value state = small().to_value();
  for (const Value& data :
       {Value(), Value(3), Value("text"), Value(matrix), Value(List{{matrix, 1}}),
        Value(Dict{{"image_shape", 3}}), Value(Dict{{"classes", "abc"}}), Value(Dict{{1, 2}}),
        Value(Dict{{"x", matrix}}), Value(DType::float16), Value(Bytes{"abc"})}) {
    for (const char* const key : {"data", "tfs", "opt", "config", "transforms", "epoch"}) {
      expect_small(find_foreign_model(Dict{{key, data}, {"net", state}}, "f"));
      expect_small(find_foreign_model(Dict{{"foo", state}, {key, data}}, "f"));
    }
  }
}

TEST(ForeignModel, OfSeveralTheOneWithTheUsualNameIsTaken) {
  const Value other = Dict{{"other.weight", Tensor::ones({2, 2})}};
  const ForeignModel model =
      find_foreign_model(Dict{{"ema", other}, {"model", small().to_value()}}, "f");
  expect_small(model);
  EXPECT_THAT(model.notes,
              ElementsAre("of its entries 'ema', 'model', 'model' is taken for the model"));
  expect_refused(Dict{{"student", other}, {"teacher", other}},
                 "'f.pt': holds several state dictionaries: 'student', 'teacher'; which one");
}

TEST(ForeignModel, PrefixesOfWrappersAreTakenOff) {
  for (const std::string prefix :
       {"module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."}) {
    const ForeignModel model = find_foreign_model(small(prefix).to_value(), "f");
    expect_small(model);
    EXPECT_EQ(model.chain.layers[0].name, "layer1");
    EXPECT_THAT(model.notes,
                ElementsAre("the prefix '" + prefix + "' of all its names is taken off"));
  }
  // Not where one name goes without: these are names then.
  StateDict mixed;
  mixed.set("module.1.weight", Tensor::ones({4, 3}));
  mixed.set("out.weight", Tensor::ones({2, 4}));
  const ForeignModel model = find_foreign_model(mixed.to_value(), "f");
  EXPECT_EQ(model.chain.layers[0].name, "module.1");
  EXPECT_THAT(model.notes, IsEmpty());
}

// As torch.optim.swa_utils.AveragedModel's.
TEST(ForeignModel, TheNumberOfAveragedModelsIsLeftOut) {
  StateDict state;
  state.set("n_averaged", Tensor::zeros({}, DType::int64));
  const StateDict bare = small("module.");  // which lives while it is walked over
  for (const auto& [name, tensor] : bare) state.set(name, tensor);
  const ForeignModel model = find_foreign_model(state.to_value(), "f");
  expect_small(model);
  EXPECT_THAT(model.notes, ElementsAre("'n_averaged' of a model of averages is left out",
                                       "the prefix 'module.' of all its names is taken off"));
  // Without a module it is nothing that is known.
  StateDict other = small();
  other.set("n_averaged", Tensor::zeros({}, DType::int64));
  expect_refused(other.to_value(), "n_averaged");
}

TEST(ForeignModel, WhatHoldsNoneIsRefused) {
  expect_refused(Value(3), "'f.pt': holds a int, not a state dictionary");
  expect_refused(List{{small().to_value()}}, "holds a list");
  expect_refused(Dict{}, "holds nothing");
  expect_refused(Dict{{"epoch", 3}, {"loss", 0.5}}, "holds int 'epoch', float 'loss'; among them");
  expect_refused(Dict{{"a.weight", Tensor::zeros({4})}}, "no matrix named *.weight");
  expect_refused(Dict{{"model", Dict{{"conv.weight", Tensor::zeros({4, 1, 3, 3})}}}},
                 "no matrix named *.weight");
  Dict with_number{{"fc.weight", Tensor::ones({2, 2})}, {"fc.count", 3}};
  expect_refused(with_number, "\"fc.count\" must be a torch.Tensor, got a int");
  expect_refused(Dict{{"model", with_number}}, "in 'model', state dictionary entry \"fc.count\"");
}

TEST(ForeignModel, ComesFromFilesOfEveryFormat) {
  const TempDir dir;
  save(Dict{{"model", small().to_value()}}, dir / "a.pt");
  save_safetensors(small(), dir / "b.safetensors");
  StateDict first;
  first.set("layer2.weight", small().at("layer2.weight"));
  StateDict second;
  second.set("layer1.weight", small().at("layer1.weight"));
  second.set("layer1.bias", small().at("layer1.bias"));
  save_safetensors(first, dir / "1.safetensors");
  save_safetensors(second, dir / "2.safetensors");
  wick::testing::write_file(dir / "c.index.json",
                            R"({"weight_map": {"layer2.weight": "1.safetensors",
                                "layer1.weight": "2.safetensors",
                                "layer1.bias": "2.safetensors"}})");
  for (const char* const name : {"a.pt", "b.safetensors", "c.index.json"}) {
    expect_small(load_foreign_model(dir / name));
  }
  for (const char* const name : {"training.pt", "legacy_training.pt"}) {
    const std::filesystem::path path = std::filesystem::path(WICK_FIXTURES) / "serialize" / name;
    const Value weight = load(path).at("model").at("0.weight");
    const nn::LinearChain chain = load_foreign_model(path).chain;
    ASSERT_EQ(chain.layers.size(), 1U);
    EXPECT_TRUE(bitwise_equal(chain.layers[0].weight, weight.as_tensor())) << name;
  }
  wick::testing::write_file(dir / "page.pt", "<!DOCTYPE html><html></html>");
  expect_throw_with<FormatError>([&] { (void)load_foreign_model(dir / "page.pt"); }, "page.pt");
}

}  // namespace
}  // namespace wick::tools
