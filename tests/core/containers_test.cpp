// SPDX-License-Identifier: MIT
// Dicts, sets and what may be their keys.
#include <cmath>
#include <limits>
#include <memory>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/value.h"

namespace wick {
namespace {

using Kind = Value::Kind;
using testing::expect_throw_with;

TEST(HashKey, EqualKeysHashEqually) {
  EXPECT_EQ(hash_key(1), hash_key(1.0));
  EXPECT_EQ(hash_key(1), hash_key(true));
  EXPECT_EQ(hash_key(0.0), hash_key(-0.0));
  EXPECT_EQ(hash_key(5), hash_key(std::complex<double>(5, 0)));
  EXPECT_EQ(hash_key(Tuple{{1, "x"}}), hash_key(Tuple{{1.0, "x"}}));
  EXPECT_EQ(hash_key(Size{{2, 3}}), hash_key(Size{{2, 3}}));
  EXPECT_NE(hash_key("a"), hash_key("b"));
  EXPECT_NE(hash_key(Tuple{{1, 2}}), hash_key(Tuple{{2, 1}}));
}

TEST(HashKey, RefusesWhatPythonRefuses) {
  const auto refuse = [](const Value& key, const std::string& name) {
    expect_throw_with<ValueError>([&] { static_cast<void>(hash_key(key)); }, name);
    expect_throw_with<ValueError>([&] { Dict().set(key, 1); }, "not hashable");
  };
  refuse(List{{1}}, "list");
  refuse(Dict{}, "dict");
  refuse(Set{}, "set");
  refuse(Tensor::arange(1), "torch.Tensor");
  refuse(Tuple{{1, List{}}}, "list");
  refuse(ByteArray{"raw"}, "bytearray");
}

TEST(HashKey, FrozenSetsHashInAnyOrder) {
  const Value ab = FrozenSet({"a", "b"});
  const Value ba = FrozenSet({"b", "a"});
  EXPECT_EQ(ab, ba);
  EXPECT_EQ(hash_key(ab), hash_key(ba));
  EXPECT_FALSE(ab == Value(FrozenSet({"a"})));
  EXPECT_FALSE(ab == Value(Set{"a", "b"}));
  Dict dict;
  dict.set(ab, 1);
  EXPECT_TRUE(dict.find(ba) != nullptr);
}

TEST(Dict, KnowsItsKind) {
  Dict counter(Dict::Type::counter);
  counter.set("a", 1);
  EXPECT_FALSE(Value(counter) == Value(Dict{{"a", 1}}));
  EXPECT_EQ(Value(counter), Value(counter));
  for (const std::string_view factory : Dict::default_factories()) {
    const Dict dict = Dict::default_dict(factory);
    EXPECT_EQ(dict.type(), Dict::Type::default_dict);
    EXPECT_EQ(dict.default_factory(), factory);
    EXPECT_FALSE(Value(dict) == Value(Dict::default_dict("")));
  }
  EXPECT_EQ(Dict::default_dict("").default_factory(), "");
  expect_throw_with<ValueError>([] { static_cast<void>(Dict::default_dict("system")); },
                                "\"system\" is none of default_factories()");
}

TEST(Dict, KeepsTheOrderOfInsertion) {
  Dict dict;
  EXPECT_TRUE(dict.empty());
  for (int i = 100; i > 0; --i) dict.set(i, 2 * i);
  dict.set(50, "changed");
  ASSERT_EQ(dict.size(), 100U);
  int expected = 100;
  for (const auto& [key, value] : dict) EXPECT_EQ(key.as_int(), expected--);
  EXPECT_EQ(dict.at(50).as_string(), "changed");
  EXPECT_EQ(dict.at(7).as_int(), 14);
}

TEST(Dict, FindsOrNamesWhatThereIs) {
  Dict dict{{"weight", 1}, {3, 2}};
  EXPECT_EQ(dict.find("bias"), nullptr);
  *dict.find("weight") = 5;
  EXPECT_EQ(dict.at("weight").as_int(), 5);
  expect_throw_with<ValueError>([&] { static_cast<void>(dict.at("bias")); }, "\"bias\"");
  expect_throw_with<ValueError>([&] { static_cast<void>(dict.at("bias")); }, "\"weight\", 3");
  const Value value = dict;
  EXPECT_TRUE(value.contains(3));
  EXPECT_FALSE(value.contains("bias"));
}

TEST(Dict, KeepsManyBigIntegersApart) {
  // Neighbours that round to one double, and so share a hash, are still different keys.
  Dict dict;
  for (std::int64_t i = 0; i < 8; ++i) dict.set((std::int64_t{1} << 55) + i, i);
  EXPECT_EQ(dict.size(), 8U);
  for (std::int64_t i = 0; i < 8; ++i) EXPECT_EQ(dict.at((std::int64_t{1} << 55) + i).as_int(), i);
}

TEST(Dict, CarriesAttributes) {
  Dict dict(Dict::Type::ordered_dict);
  EXPECT_EQ(dict.type(), Dict::Type::ordered_dict);
  EXPECT_EQ(dict.attributes(), nullptr);
  dict.set_attributes(std::make_shared<Dict>(Dict{{"_metadata", 1}}));
  EXPECT_EQ(dict.attributes()->at("_metadata").as_int(), 1);
}

TEST(Set, KeepsOneOfEach) {
  Set set{3, "a", 3.0, "a", nullptr};
  EXPECT_EQ(set.size(), 3U);
  EXPECT_TRUE(set.contains("a"));
  EXPECT_TRUE(set.contains(3));
  EXPECT_TRUE(set.contains(nullptr));
  EXPECT_FALSE(set.contains("b"));
  EXPECT_EQ(set.begin()->first.as_int(), 3) << "in order of insertion";
  expect_throw_with<ValueError>([&] { set.insert(List{}); }, "list");
}

}  // namespace
}  // namespace wick
