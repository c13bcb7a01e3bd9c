// SPDX-License-Identifier: MIT
// Damaged pickles are an error or another value, never a crash, a hang or a leak.
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "serialize/pickle_reader.h"
#include "serialize/pickle_writer.h"
#include "wick/core/containers.h"
#include "wick/core/error.h"

namespace wick {
namespace {

// Reads the pickle of a value cut off at every byte, with every mask laid over every byte, and with
// bytes of it put elsewhere.
void read_damaged(const Value& value, const std::vector<unsigned>& masks) {
  const Pickled pickled = pickle_value(value);
  const StorageSource storages = [&](const StorageId& id, DType /*dtype*/) {
    for (std::size_t i = 0; i < pickled.storages.size(); ++i) {
      if (id.key == std::to_string(i)) return pickled.storages[i];
    }
    throw FormatError("no such storage");
  };
  const auto attempt = [&](const std::string& bytes) {
    try {
      take_apart(unpickle_value(bytes, "p", storages));
    } catch (const Error&) {
    }
  };
  for (std::size_t size = 0; size < pickled.bytes.size(); ++size) {
    EXPECT_THROW(static_cast<void>(unpickle_value(pickled.bytes.substr(0, size), "p", storages)),
                 FormatError);
  }
  for (std::size_t at = 0; at < pickled.bytes.size(); ++at) {
    for (const unsigned mask : masks) {
      std::string bytes = pickled.bytes;
      bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ mask);
      attempt(bytes);
    }
  }
  std::uint32_t random = 1;
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = pickled.bytes;
    for (int edit = 0; edit < 4; ++edit) {
      random = random * 1664525 + 1013904223;
      bytes[(random >> 8) % bytes.size()] = pickled.bytes[(random >> 16) % bytes.size()];
    }
    attempt(bytes);
  }
}

TEST(PickleDamage, BytesOfAnyDamageAreAnErrorOrAValue) {
  Dict state(Dict::Type::ordered_dict);
  state.set("weight", Tensor::zeros({2, 2}));
  state.set("scale", Tensor::zeros({2}, DType::uint16));
  state.set_attributes(std::make_shared<Dict>(Dict{{"_metadata", Dict{{"", 1}}}}));
  std::vector<unsigned> masks(256);
  std::iota(masks.begin(), masks.end(), 0);
  read_damaged(Dict{{"model", state},
                    {"more", List{{1, 70000, 2.5, Bytes{"ab"}, Tuple{{1, 2, 3, 4}}, Set{3},
                                   Size{{1}}, kCpu, DType::int8}}}},
               masks);
}

TEST(PickleDamage, BitsOfAnyDamageInOtherKindsAreAnErrorOrAValue) {
  Dict counter(Dict::Type::counter);
  counter.set("a", 1);
  Dict groups = Dict::default_dict("list");
  groups.set("a", 1);
  const Value noted =
      TensorObject{Tensor::ones({2}), true, std::make_shared<Dict>(Dict{{"note", 1}})};
  const Value noted_tensor =
      TensorObject{Tensor::ones({2}), false, std::make_shared<Dict>(Dict{{"note", noted}})};
  read_damaged(
      List{{BigInteger::from_string("18446744073709551616"), ByteArray{"ab"}, FrozenSet({1}),
            groups, counter, Value::parameter(Tensor::ones({2})), noted_tensor}},
      {1, 2, 4, 8, 16, 32, 64, 128});
}

}  // namespace
}  // namespace wick
