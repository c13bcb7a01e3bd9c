// SPDX-License-Identifier: MIT
// Values that are nested as deep as a file likes, on a stack that is not, and keys as a file likes.
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "tests/cpu_time.h"
#include "tests/small_stack.h"
#include "tests/support.h"
#include "wick/core/containers.h"
#include "wick/core/error.h"
#include "wick/core/keyed_hash.h"
#include "wick/core/value.h"

namespace wick {
namespace {

using testing::on_small_stack;

constexpr int kDepth = 100'000;

// Each kind of container in itself, kDepth times around `innermost`.
using Wrap = std::function<Value(Value)>;

Value nested(const Wrap& wrap, Value innermost = 1) {
  Value value = std::move(innermost);
  for (int i = 0; i < kDepth; ++i) value = wrap(std::move(value));
  return value;
}

const std::pair<const char*, Wrap> kWraps[] = {
    {"list", [](Value v) { return List{{std::move(v)}}; }},
    {"tuple", [](Value v) { return Tuple{{std::move(v)}}; }},
    {"dict",
     [](Value v) {
       return Dict{{"key", std::move(v)}};
     }},
    {"OrderedDict",
     [](Value v) {
       Dict dict(Dict::Type::ordered_dict);
       dict.set("key", std::move(v));
       return dict;
     }},
    {"attributes of an OrderedDict",
     [](Value v) {
       Dict dict(Dict::Type::ordered_dict);
       dict.set_attributes(std::make_shared<Dict>(Dict{{"attribute", std::move(v)}}));
       return dict;
     }},
    {"attributes of a tensor",
     [](Value v) {
       return TensorObject{Tensor::empty({0}), false,
                           std::make_shared<Dict>(Dict{{"attribute", std::move(v)}})};
     }},
};

TEST(DeepValue, EndsOnASmallStack) {
  for (const auto& [name, wrap] : kWraps) {
    SCOPED_TRACE(name);
    on_small_stack([&wrap = wrap] { nested(wrap); });
  }
}

// In turn, and several in each: the order in which they end is another one.
TEST(DeepValue, MixedOnesEndOnASmallStack) {
  on_small_stack([] {
    Value value = 1;
    for (int i = 0; i < kDepth; ++i) {
      value = kWraps[static_cast<std::size_t>(i) % std::size(kWraps)].second(List{{value, i, "x"}});
    }
  });
}

TEST(DeepValue, WhatOthersHoldLivesOn) {
  const Value kept = List{{1, 2}};
  { const Value outer = List{{kept, List{{kept}}, Dict{{"a", kept}}}}; }
  EXPECT_EQ(kept.as_list().size(), 2u);
  const auto shared = std::make_shared<Dict>(Dict{{"a", List{{1}}}});
  { const Value outer = List{{Value(shared)}}; }
  EXPECT_EQ(shared->size(), 1u);
  // Held by a pointer that owns nothing: whose it is must find it whole.
  List local{{List{{1}}}};
  {
    const Value outer = List{{Value(std::shared_ptr<List>(&local, [](List*) {}))}};
  }
  ASSERT_EQ(local.items.size(), 1u);
  EXPECT_EQ(local.items[0].as_list().size(), 1u);
}

TEST(DeepValue, IsComparedOnASmallStack) {
  for (std::size_t i = 0; i < 4; ++i) {
    SCOPED_TRACE(kWraps[i].first);
    on_small_stack([&wrap = kWraps[i].second] {
      const Value a = nested(wrap);
      EXPECT_TRUE(a == nested(wrap));
      EXPECT_FALSE(a == nested(wrap, 2));
      EXPECT_FALSE(a == wrap(nested(wrap)));
    });
  }
}

TEST(DeepValue, IsAKeyOnASmallStack) {
  const Wrap tuple = kWraps[1].second;
  const Wrap frozen = [](Value v) { return FrozenSet({std::move(v)}); };
  const Wrap both = [&](Value v) { return tuple(frozen(std::move(v))); };
  for (const Wrap& wrap : {tuple, frozen, both}) {
    on_small_stack([&wrap] {
      Dict dict;
      dict.set(nested(wrap), "found");
      EXPECT_EQ(dict.at(nested(wrap)).as_string(), "found");
      EXPECT_EQ(dict.find(nested(wrap, 2)), nullptr);
      EXPECT_TRUE(nested(wrap) == nested(wrap));
      EXPECT_THROW(dict.set(nested(wrap, List{}), 1), ValueError);
    });
  }
}

void expect_many(const std::function<void(std::size_t)>& insert) {
  testing::expect_linear(insert, 20'000);
}

TEST(Keys, NaNsAreApart) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Dict dict;
  dict.set(nan, 1);
  dict.set(nan, 2);
  dict.set(std::complex<double>(0, nan), 3);
  EXPECT_EQ(dict.size(), 3u);
  EXPECT_EQ(dict.find(nan), nullptr);
  // One object is itself, as in Python.
  const Value pair = Tuple{{nan, 1}};
  dict.set(pair, 4);
  EXPECT_EQ(dict.at(pair).as_int(), 4);
  EXPECT_EQ(dict.find(Tuple{{nan, 1}}), nullptr);
  expect_many([&](std::size_t count) {
    Dict many;
    for (std::size_t i = 0; i < count; ++i) many.set(nan, true);
    ASSERT_EQ(many.size(), count);
  });
  expect_many([&](std::size_t count) {
    Dict many;
    for (std::size_t i = 0; i < count; ++i) many.set(Tuple{{nan, 0}}, true);
    ASSERT_EQ(many.size(), count);
  });
}

TEST(Keys, EqualNumbersAreOneKey) {
  Dict dict;
  dict.set(1, "one");
  EXPECT_NE(dict.find(1.0), nullptr);
  EXPECT_NE(dict.find(true), nullptr);
  EXPECT_NE(dict.find(std::complex<double>(1)), nullptr);
  dict.set(0.0, "zero");
  EXPECT_NE(dict.find(-0.0), nullptr);
  EXPECT_NE(dict.find(false), nullptr);
  const Value big = BigInteger::from_string("18446744073709551616");  // 2^64
  dict.set(big, "big");
  EXPECT_NE(dict.find(0x1p64), nullptr);
  dict.set(std::int64_t{1} << 62, "62");
  EXPECT_NE(dict.find(0x1p62), nullptr);
  EXPECT_EQ(dict.find((std::int64_t{1} << 62) + 1), nullptr);
}

// The function that std::hash is with libstdc++, run backwards: texts of 16 bytes that all have one
// hash. Shows that a known function can be flooded, and that ours is another one.
std::string colliding(std::uint64_t number) {
  constexpr std::uint64_t kMul = 0xc6a4a7935bd1e995U;
  std::uint64_t inverse = kMul;  // modulo 2^64, by Newton's iteration
  for (int i = 0; i < 6; ++i) inverse *= 2 - kMul * inverse;
  const auto unmix = [&](std::uint64_t word) {
    word *= inverse;
    word ^= word >> 47;
    return word * inverse;
  };
  const std::uint64_t start = 0xc70f6907U ^ (16 * kMul);
  const auto mix = [&](std::uint64_t word) {
    word *= kMul;
    word ^= word >> 47;
    return word * kMul;
  };
  const std::uint64_t first = number;
  const std::uint64_t state = (start ^ mix(first)) * kMul;
  const std::uint64_t second = unmix(state);  // makes the state 0
  std::string text;
  for (const std::uint64_t word : {first, second}) {
    for (int i = 0; i < 8; ++i) text.push_back(static_cast<char>(word >> (8 * i)));
  }
  return text;
}

#ifdef __GLIBCXX__
TEST(Keys, ChosenNamesDoNotCollide) {
  ASSERT_EQ(std::hash<std::string>{}(colliding(1)), std::hash<std::string>{}(colliding(2)));
  EXPECT_NE(NameHash{}(colliding(1)), NameHash{}(colliding(2)));
  expect_many([](std::size_t count) {
    Dict many;
    for (std::size_t i = 0; i < count; ++i) many.set(Bytes{colliding(i)}, true);
    ASSERT_EQ(many.size(), count);
  });
  expect_many([](std::size_t count) {
    Dict many;
    for (std::size_t i = 0; i < count; ++i) many.set(colliding(i), true);
    ASSERT_EQ(many.size(), count);
  });
}
#endif

TEST(Keys, HashesDependOnEveryByte) {
  std::string text;
  for (int size = 0; size < 40; ++size) {
    const std::uint64_t hash = keyed_hash(std::string_view(text));
    EXPECT_EQ(hash, keyed_hash(std::string_view(text)));
    for (std::size_t at = 0; at < text.size(); ++at) {
      std::string other = text;
      other[at] = static_cast<char>(other[at] ^ 1);
      EXPECT_NE(keyed_hash(std::string_view(other)), hash) << size << ' ' << at;
    }
    text.push_back('\0');
    EXPECT_NE(keyed_hash(std::string_view(text)), hash) << size;
  }
}

}  // namespace
}  // namespace wick
