// SPDX-License-Identifier: MIT
#include "wick/core/value.h"

#include <cmath>
#include <complex>
#include <limits>
#include <memory>
#include <optional>
#include <type_traits>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/core/state_dict.h"

namespace wick {
namespace {

using Kind = Value::Kind;
using testing::expect_throw_with;

constexpr std::int64_t k2To53 = std::int64_t{1} << 53;

// One of each kind, in the order of Kind.
std::vector<Value> one_of_each() {
  return {nullptr,
          true,
          7,
          2.5,
          std::complex<double>(1, -2),
          "text",
          Bytes{"raw"},
          List{{1, 2}},
          Tuple{{1, 2}},
          Dict{{"key", 1}},
          Set{1, 2},
          Size{{2, 3}},
          DType::float16,
          Device{DeviceType::cuda, 1},
          Tensor::arange(3),
          BigInteger::from_string("18446744073709551616"),
          ByteArray{"raw"},
          FrozenSet({1, 2}),
          StorageObject{Tensor::arange(3).storage(), DType::int64},
          Layout::sparse_coo};
}

TEST(Value, HasAKindAndItsPythonName) {
  const std::vector<Value> values = one_of_each();
  const std::vector<std::string_view> names = {
      "None", "bool",       "int",         "float",         "complex",
      "str",  "bytes",      "list",        "tuple",         "dict",
      "set",  "torch.Size", "torch.dtype", "torch.device",  "torch.Tensor",
      "int",  "bytearray",  "frozenset",   "torch.Storage", "torch.layout"};
  ASSERT_EQ(values.size(), names.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(values[i].kind(), static_cast<Kind>(i));
    EXPECT_EQ(values[i].kind_name(), names[i]);
    EXPECT_EQ(values[i].is_none(), i == 0);
  }
}

TEST(Value, GivesBackWhatItHolds) {
  EXPECT_TRUE(Value(true).as_bool());
  EXPECT_EQ(Value(-7).as_int(), -7);
  EXPECT_EQ(Value(std::uint8_t{200}).as_int(), 200);
  EXPECT_EQ(Value(2.5).as_double(), 2.5);
  EXPECT_EQ(Value(3).as_double(), 3.0);
  EXPECT_EQ(Value(true).as_double(), 1.0);
  EXPECT_EQ(Value(std::complex<double>(1, 2)).as_complex().imag(), 2.0);
  EXPECT_EQ(Value("text").as_string(), "text");
  EXPECT_EQ(Value(std::string_view("a\0b", 3)).as_string().size(), 3U);
  EXPECT_EQ(Value(Bytes{"raw"}).as_bytes().data, "raw");
  EXPECT_EQ(Value(List{{1, 2}}).as_list().size(), 2U);
  EXPECT_EQ(Value(Tuple{{1, 2, 3}}).as_tuple().size(), 3U);
  EXPECT_EQ(Value(Tuple{{1, 2, 3}}).as_sequence().size(), 3U);
  EXPECT_EQ(Value(List{{1}}).as_sequence().size(), 1U);
  EXPECT_EQ(Value(Dict{{"key", 1}}).as_dict().size(), 1U);
  EXPECT_EQ(Value(Set{1, 2, 1}).as_set().size(), 2U);
  EXPECT_EQ(Value(Size{{2, 3}}).as_size(), (Dims{2, 3}));
  EXPECT_EQ(Value(DType::bfloat16).as_dtype(), DType::bfloat16);
  EXPECT_EQ(Value(kCpu).as_device(), kCpu);
  EXPECT_EQ(Value(Tensor::arange(3)).as_tensor().numel(), 3);
  EXPECT_EQ(Value(Layout::jagged).as_layout(), Layout::jagged);
}

template <typename T>
concept CanBeSet = requires(Dict dict, T value) {
  dict.set("w", value);
};

enum Unscoped : int { one_of_them };

// What would only be converted to a number on the way is no Python number of its own.
TEST(Value, PointersAndWhatNarrowsDoNotCompile) {
  static_assert(!std::is_constructible_v<Value, Tensor*>);
  static_assert(!std::is_constructible_v<Value, const Tensor*>);
  static_assert(!std::is_constructible_v<Value, void*>);
  static_assert(!std::is_constructible_v<Value, int*>);
  static_assert(!std::is_constructible_v<Value, const unsigned char*>);
  static_assert(!std::is_constructible_v<Value, List*>);
  static_assert(!std::is_constructible_v<Value, Value*>);
  static_assert(!std::is_constructible_v<Value, void (*)()>);
  static_assert(!std::is_constructible_v<Value, int List::*>);
  static_assert(!std::is_constructible_v<Value, std::shared_ptr<Tensor>>);
  static_assert(!std::is_constructible_v<Value, Unscoped>);
  static_assert(!std::is_constructible_v<Value, long double>);
  static_assert(!std::is_constructible_v<Value, std::complex<long double>>);
  static_assert(!std::is_constructible_v<Value, char>);
  static_assert(!std::is_constructible_v<Value, wchar_t>);
  static_assert(!std::is_constructible_v<Value, char8_t>);
  static_assert(!std::is_constructible_v<Value, char32_t>);
  static_assert(!std::is_constructible_v<Value, std::optional<int>>);
  static_assert(CanBeSet<decltype(StateDict().at("w"))>);
  static_assert(!CanBeSet<decltype(StateDict().find("w"))>);
  static_assert(!CanBeSet<decltype(Dict().find("w"))>);

  EXPECT_EQ(Value(1.5F).as_double(), 1.5);
  EXPECT_EQ(Value(std::complex<float>(1, 2)).as_complex(), std::complex<double>(1, 2));
  EXPECT_EQ(Value(std::int8_t{-3}).as_int(), -3);
  EXPECT_EQ(Value(std::uint32_t{4'000'000'000}).as_int(), 4'000'000'000);
  char text[] = "text";  // NOLINT(*-avoid-c-arrays)
  char* const begin = text;
  EXPECT_EQ(Value(begin).as_string(), "text");
  EXPECT_TRUE(Value(nullptr).is_none());
}

TEST(Value, EveryIntegerTypeIsAnInt) {
  const std::size_t size = 7;
  EXPECT_EQ(Value(size).kind(), Kind::integer);
  EXPECT_EQ((Dict{{"count", std::vector<int>(3).size()}}).at("count").as_int(), 3);
  EXPECT_EQ(Value(7UL).as_int(), 7);
  EXPECT_EQ(Value(7ULL).as_int(), 7);
  EXPECT_EQ(Value(-7LL).as_int(), -7);
  EXPECT_EQ(Value((std::uint64_t{1} << 63) - 1).as_int(), INT64_MAX);
  const Value large = std::uint64_t{1} << 63;
  EXPECT_EQ(large.kind(), Kind::big_integer);
  EXPECT_EQ(large.as_big_integer().to_string(), "9223372036854775808");
  EXPECT_EQ(Value(~std::uint64_t{0}).as_big_integer().to_string(), "18446744073709551615");
  EXPECT_EQ(Value(INT64_MIN).as_int(), INT64_MIN);
}

TEST(Value, AVectorIsAList) {
  const std::vector<double> losses{0.5, 0.25};
  const std::vector<std::vector<std::string>> names{{"a"}, {"b", "c"}, {}};
  const Dict dict{{"losses", losses},
                  {"names", names},
                  {"flags", std::vector<bool>{true, false}},
                  {"tensors", std::vector<Tensor>{Tensor::arange(2)}},
                  {"values", std::vector<Value>{1, "x"}}};
  EXPECT_EQ(dict["losses"], Value(List{{0.5, 0.25}}));
  EXPECT_EQ(dict["names"][1][1].as_string(), "c");
  EXPECT_EQ(dict["flags"][0].kind(), Kind::boolean);
  EXPECT_EQ(dict["tensors"][0].as_tensor().numel(), 2);
  EXPECT_EQ(dict["values"][1].as_string(), "x");
  static_assert(!std::is_constructible_v<Value, std::vector<int*>>);
  static_assert(!std::is_constructible_v<Value, std::vector<long double>>);
}

TEST(Value, AStateDictIsADict) {
  StateDict state;
  state.set("w", Tensor::arange(3));
  auto metadata = std::make_shared<Dict>();
  metadata->set("", 1);
  state.set_metadata(metadata);
  const Dict checkpoint{{"model", state}, {"epoch", 3}};
  EXPECT_EQ(checkpoint["model"].as_dict().type(), Dict::Type::ordered_dict);
  EXPECT_EQ(checkpoint["model"]["w"].as_tensor().storage(), state["w"].storage());
  EXPECT_NE(checkpoint["model"].as_dict().attributes(), nullptr);
}

TEST(Value, BracketsReadAndNeverWrite) {
  Dict dict{{"a", List{{1, 2}}}, {2, Tuple{{"x", Dict{{"y", 3}}}}}};
  EXPECT_EQ(dict["a"][0].as_int(), 1);
  EXPECT_EQ(dict["a"][-1].as_int(), 2);
  EXPECT_EQ(dict[2][1]["y"].as_int(), 3);
  const Value value = dict;
  EXPECT_EQ(value["a"][1].as_int(), 2);
  expect_throw_with<ValueError>([&] { static_cast<void>(dict["b"]); },
                                "no key \"b\" in a dict with keys [\"a\", 2]");
  expect_throw_with<ValueError>([&] { static_cast<void>(value["b"]); },
                                "no key \"b\" in a dict with keys [\"a\", 2]");
  expect_throw_with<IndexError>([&] { static_cast<void>(value["a"][2]); },
                                "index 2 is out of range for a list of 2");
  expect_throw_with<IndexError>([&] { static_cast<void>(value["a"][-3]); }, "index -3");
  expect_throw_with<ValueError>([&] { static_cast<void>(value["a"]["x"]); },
                                "the index of a list must be an int, got a str");
  expect_throw_with<ValueError>([&] { static_cast<void>(value["a"][0]["x"]); },
                                "expected a dict, list or tuple, got a int");
  EXPECT_EQ(dict.size(), 2U);
  static_assert(std::is_same_v<decltype(dict["a"]), const Value&>);
}

TEST(StateDict, NamesTheKeysThereAre) {
  StateDict state;
  state.set("fc.weight", Tensor::ones({1}));
  state.set("fc.bias", Tensor::ones({1}));
  EXPECT_EQ(state["fc.bias"].numel(), 1);
  expect_throw_with<StateDictError>(
      [&] { static_cast<void>(state["weight"]); },
      "no tensor \"weight\" in the state dict; there are [\"fc.weight\", \"fc.bias\"]");
}

TEST(Value, NullPointersAreRefused) {
  const char* const none = nullptr;
  expect_throw_with<ValueError>([&] { static_cast<void>(Value(none)); }, "text is null");
  expect_throw_with<ValueError>([] { static_cast<void>(Value(std::shared_ptr<List>())); },
                                "list is null");
  expect_throw_with<ValueError>([] { static_cast<void>(Value(std::shared_ptr<Dict>())); },
                                "dict is null");
}

// PyTorch 2.15: torch.device("cuda") == torch.device("cuda:0") is False, as is "cpu" == "cpu:0".
TEST(Value, DevicesAreNamesWhateverExists) {
  EXPECT_EQ(Value(Device{DeviceType::cuda, 1}).as_device(), DeviceName("cuda", 1));
  EXPECT_EQ(Value(kCpu).as_device(), DeviceName("cpu"));
  const Value bare = DeviceName("cuda");
  EXPECT_FALSE(bare == Value(DeviceName("cuda", 0)));
  EXPECT_TRUE(bare == Value(DeviceName::parse("cuda")));
  const Dict dict{{bare, 1}, {DeviceName("cuda", 0), 2}, {DeviceName("mps"), 3}};
  EXPECT_EQ(dict.size(), 3U);
  EXPECT_EQ(dict.at(DeviceName("mps")).as_int(), 3);
  EXPECT_EQ(dict.at(Device{DeviceType::cuda, 0}).as_int(), 2);
}

TEST(Value, AStorageIsSharedWithItsTensors) {
  const Tensor tensor = Tensor::arange(3, DType::float32);
  const Value typed = StorageObject{tensor.storage(), DType::float32};
  EXPECT_EQ(typed.as_storage().storage, tensor.storage());
  EXPECT_EQ(typed.as_storage().tensor().to_vector<float>(), (std::vector<float>{0, 1, 2}));
  // Four elements of two bytes less one byte: what is left behind the last one is none.
  const auto odd = std::make_shared<Storage>(7, backend_for(kCpu));
  EXPECT_EQ((StorageObject{odd, DType::float16}.tensor().shape()), (Dims{3}));
  const Value untyped = StorageObject{tensor.storage()};
  EXPECT_EQ(untyped.as_storage().tensor().dtype(), DType::uint8);
  EXPECT_EQ(untyped.as_storage().tensor().shape(), (Dims{12}));
  EXPECT_FALSE(typed == untyped);
  EXPECT_TRUE(typed == Value(StorageObject{tensor.clone().storage(), DType::float32}));
  EXPECT_EQ(typed.identity(), nullptr);
  expect_throw_with<ValueError>([] { static_cast<void>(Value(StorageObject{})); }, "without a");
}

TEST(Value, LayoutsHavePyTorchsNames) {
  for (int i = 0; i < 8; ++i) {
    const auto layout = static_cast<Layout>(i);
    EXPECT_EQ(layout_from_name(name(layout)), layout);
  }
  EXPECT_EQ(name(Layout::mkldnn), "_mkldnn");
  EXPECT_FALSE(layout_from_name("torch.strided"));
}

TEST(Value, RefusesToBeAnotherKindAndNamesBoth) {
  for (const Value& value : one_of_each()) {
    const std::string got = concat("got a ", value.kind_name());
    const auto refuse = [&](bool fits, auto&& call, const std::string& wanted) {
      if (fits) return;
      expect_throw_with<ValueError>(call, wanted);
      expect_throw_with<ValueError>(call, got);
    };
    const Kind kind = value.kind();
    const bool number = kind == Kind::boolean || kind == Kind::integer || kind == Kind::real ||
                        kind == Kind::big_integer;
    const bool sequence = kind == Kind::list || kind == Kind::tuple;
    refuse(
        kind == Kind::boolean, [&] { static_cast<void>(value.as_bool()); }, "bool");
    refuse(
        kind == Kind::integer || kind == Kind::big_integer,
        [&] { static_cast<void>(value.as_int()); }, "int");
    refuse(
        number, [&] { static_cast<void>(value.as_double()); }, "float");
    refuse(
        kind == Kind::complex, [&] { static_cast<void>(value.as_complex()); }, "complex");
    refuse(
        kind == Kind::string, [&] { static_cast<void>(value.as_string()); }, "str");
    refuse(
        kind == Kind::bytes, [&] { static_cast<void>(value.as_bytes()); }, "bytes");
    refuse(
        kind == Kind::list, [&] { static_cast<void>(value.as_list()); }, "list");
    refuse(
        kind == Kind::tuple, [&] { static_cast<void>(value.as_tuple()); }, "tuple");
    refuse(
        sequence, [&] { static_cast<void>(value.as_sequence()); }, "list or tuple");
    refuse(
        sequence, [&] { static_cast<void>(value.at_index(0)); }, "list or tuple");
    refuse(
        kind == Kind::dict, [&] { static_cast<void>(value.as_dict()); }, "dict");
    refuse(
        kind == Kind::dict, [&] { static_cast<void>(value.at("key")); }, "dict");
    refuse(
        kind == Kind::set, [&] { static_cast<void>(value.as_set()); }, "set");
    refuse(
        kind == Kind::byte_array, [&] { static_cast<void>(value.as_byte_array()); }, "bytearray");
    refuse(
        kind == Kind::frozen_set, [&] { static_cast<void>(value.as_frozen_set()); }, "frozenset");
    refuse(
        kind == Kind::size, [&] { static_cast<void>(value.as_size()); }, "torch.Size");
    refuse(
        kind == Kind::dtype, [&] { static_cast<void>(value.as_dtype()); }, "torch.dtype");
    refuse(
        kind == Kind::device, [&] { static_cast<void>(value.as_device()); }, "torch.device");
    refuse(
        kind == Kind::storage, [&] { static_cast<void>(value.as_storage()); }, "torch.Storage");
    refuse(
        kind == Kind::layout, [&] { static_cast<void>(value.as_layout()); }, "torch.layout");
    refuse(
        kind == Kind::tensor, [&] { static_cast<void>(value.as_tensor()); }, "torch.Tensor");
  }
}

TEST(Value, EqualsItselfAndACopyOfItsContentOnly) {
  const std::vector<Value> left = one_of_each();
  const std::vector<Value> right = one_of_each();
  for (std::size_t i = 0; i < left.size(); ++i) {
    for (std::size_t j = 0; j < right.size(); ++j) {
      EXPECT_EQ(left[i] == right[j], i == j) << left[i].kind_name() << ' ' << right[j].kind_name();
    }
  }
}

TEST(Value, NumbersCompareAsInPython) {
  EXPECT_EQ(Value(1), Value(1.0));
  EXPECT_EQ(Value(1), Value(true));
  EXPECT_EQ(Value(0.0), Value(false));
  EXPECT_EQ(Value(0.0), Value(-0.0));
  EXPECT_EQ(Value(2), Value(std::complex<double>(2, 0)));
  EXPECT_FALSE(Value(2) == Value(std::complex<double>(2, 1)));
  EXPECT_FALSE(Value(1) == Value("1"));
  const double nan = std::nan("");
  EXPECT_FALSE(Value(nan) == Value(nan));
  // Beyond 2^53 an int is not the float that it would round to.
  EXPECT_EQ(Value(k2To53), Value(static_cast<double>(k2To53)));
  EXPECT_FALSE(Value(k2To53 + 1) == Value(static_cast<double>(k2To53)));
  EXPECT_FALSE(Value(std::numeric_limits<std::int64_t>::max()) == Value(0x1p63));
}

TEST(Value, ContainersCompareDeeply) {
  EXPECT_EQ(Value(List{{1, List{{2}}}}), Value(List{{1.0, List{{2}}}}));
  EXPECT_FALSE(Value(List{{1, 2}}) == Value(List{{2, 1}}));
  EXPECT_FALSE(Value(List{{1}}) == Value(List{{1, 1}}));
  EXPECT_EQ(Value(Dict{{"a", 1}, {"b", 2}}), Value(Dict{{"b", 2}, {"a", 1}}));
  EXPECT_FALSE(Value(Dict{{"a", 1}}) == Value(Dict{{"a", 2}}));
  EXPECT_FALSE(Value(Dict{{"a", 1}}) == Value(Dict{{"b", 1}}));
  EXPECT_EQ(Value(Set{1, "x"}), Value(Set{"x", 1.0}));
  EXPECT_FALSE(Value(Set{1}) == Value(Set{2}));
  EXPECT_EQ(Value(Tensor::arange(2)), Value(Tensor::arange(2)));
  EXPECT_FALSE(Value(Tensor::arange(2)) == Value(Tensor::arange(3)));
  EXPECT_EQ(Value(Tensor()), Value(Tensor()));
}

TEST(Value, OrderedDictsCompareTheirOrder) {
  Dict ab(Dict::Type::ordered_dict);
  ab.set("a", 1);
  ab.set("b", 2);
  Dict ba(Dict::Type::ordered_dict);
  ba.set("b", 2);
  ba.set("a", 1);
  EXPECT_FALSE(Value(ab) == Value(ba));
  EXPECT_EQ(Value(ab), Value(ab));
}

TEST(Value, ContainersAreShared) {
  const Value list = List{{1}};
  const Value same = list;  // NOLINT(*-unnecessary-copy-initialization): the copy is the subject
  same.as_list().push_back(2);
  EXPECT_EQ(list.as_list().size(), 2U);
  EXPECT_EQ(list.identity(), same.identity());
  EXPECT_NE(list.identity(), Value(List{{1, 2}}).identity());
  EXPECT_EQ(Value(1).identity(), nullptr);
  EXPECT_EQ(Value("text").identity(), nullptr);
  const auto dict = std::make_shared<Dict>();
  const Value first(dict);
  dict->set("later", 3);
  EXPECT_EQ(first.at("later").as_int(), 3);
}

TEST(Value, SequencesByIndex) {
  const Value tuple = Tuple{{"a", "b"}};
  EXPECT_EQ(tuple.at_index(1).as_string(), "b");
  expect_throw_with<IndexError>([&] { static_cast<void>(tuple.at_index(2)); }, "tuple of 2");
}

// -- Keys -----------------------------------------------------------------------------------------

TEST(Value, ParametersAreTensorsOfTheirOwnKind) {
  const Value parameter = Value::parameter(Tensor::ones({2}));
  EXPECT_EQ(parameter.kind(), Kind::tensor);
  EXPECT_TRUE(parameter.as_tensor_object().is_parameter);
  EXPECT_TRUE(parameter.as_tensor().requires_grad());
  EXPECT_FALSE(Value::parameter(Tensor::ones({2}), false).as_tensor().requires_grad());
  const Value tensor = Tensor::ones({2});
  EXPECT_FALSE(tensor.as_tensor_object().is_parameter);
  EXPECT_EQ(tensor.as_tensor_object().attributes, nullptr);
}

TEST(Dict, TakesKeysOfEveryHashableKind) {
  Dict dict;
  for (const Value& key : one_of_each()) {
    try {
      static_cast<void>(hash_key(key));
    } catch (const ValueError&) {
      continue;
    }
    dict.set(key, key.kind_name());
  }
  EXPECT_EQ(dict.size(), 14U);
  for (const auto& [key, value] : dict) {
    EXPECT_EQ(dict.at(key).as_string(), key.kind_name());
  }
  // 1, 1.0 and True are one key; the first one stays, the last value wins.
  dict.set(1, "int");
  EXPECT_EQ(dict.size(), 14U);
  EXPECT_EQ(dict.at(1.0).as_string(), "int");
  EXPECT_EQ(dict.begin()[1].first.kind(), Kind::boolean);
}

}  // namespace
}  // namespace wick
