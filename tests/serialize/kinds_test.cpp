// SPDX-License-Identifier: MIT
// The less common kinds of Python object in a pickle, in every form that Python gives them.
#include <memory>
#include <string_view>

#include <gtest/gtest.h>

#include "serialize/pickle_reader.h"
#include "serialize/pickle_writer.h"
#include "tests/support.h"
#include "wick/core/backend.h"
#include "wick/core/containers.h"
#include "wick/core/error.h"

namespace wick {
namespace {

using namespace std::string_view_literals;

StorageSource one_storage(const std::shared_ptr<Storage>& storage) {
  return [storage](const StorageId& /*id*/, DType /*dtype*/) { return storage; };
}

Value read(std::string_view pickle, const std::shared_ptr<Storage>& storage = nullptr) {
  return unpickle_value(pickle, "p", one_storage(storage));
}

void refuse(std::string_view pickle, const std::string& message) {
  testing::expect_throw_with<FormatError>([&] { static_cast<void>(read(pickle)); }, message);
}

Value round_trip(const Value& value, const std::shared_ptr<Storage>& storage = nullptr) {
  return read(pickle_value(value).bytes, storage);
}

TEST(Kinds, DefaultFactoriesComeBack) {
  for (const std::string_view factory : Dict::default_factories()) {
    const Value back = round_trip(Dict::default_dict(factory));
    EXPECT_EQ(back.as_dict().type(), Dict::Type::default_dict);
    EXPECT_EQ(back.as_dict().default_factory(), factory);
  }
  // Python 3's names, as protocols from 3 on have them.
  EXPECT_EQ(read("\x80\x03"
                 "ccollections\ndefaultdict\ncbuiltins\nint\n\x85R."sv)
                .as_dict()
                .default_factory(),
            "int");
  refuse(
      "\x80\x02"
      "ccollections\ndefaultdict\nctorch\ndevice\n\x85R."sv,
      "\"device\" is none of default_factories()");
  refuse(
      "\x80\x02"
      "ccollections\ndefaultdict\nK\x01\x85R."sv,
      "its factory is no type");
  refuse(
      "\x80\x02"
      "c__builtin__\nlist\n)R."sv,
      "calls of list are not admitted");
}

TEST(Kinds, ReadsByteArraysOfEveryPython) {
  for (const std::string_view pickle : {
           // bytearray(b"a\xff") in protocol 2 of Python 3.7 and of 3.11, in protocols 3 and 5
           "\x80\x02"
           "c__builtin__\nbytearray\nX\x03\0\0\0a\xc3\xbfX\x07\0\0\0latin-1\x86R."sv,
           "\x80\x02"
           "c__builtin__\nbytearray\nc_codecs\nencode\nX\x03\0\0\0a\xc3\xbfX\x06\0\0\0latin1"
           "\x86R\x85R."sv,
           "\x80\x03"
           "cbuiltins\nbytearray\nC\x02"
           "a\xff\x85R."sv,
           "\x80\x05\x96\x02\0\0\0\0\0\0\0a\xff."sv,
       }) {
    EXPECT_EQ(read(pickle).as_byte_array(), "a\xff");
  }
}

TEST(Kinds, ReadsOrderedDictsOfPython2) {
  // OrderedDict([["a", 1], ["b", 2L]]), as files of PyTorch 0.3 and 0.4 in Python 2 have it.
  const Value value = read(
      "\x80\x02"
      "ccollections\nOrderedDict\n](](U\x01"
      "aK\x01"
      "e](U\x01"
      "b\x8a\x01\x02"
      "ee\x85R."sv);
  EXPECT_EQ(value.as_dict().type(), Dict::Type::ordered_dict);
  EXPECT_EQ(value.at("a").as_int(), 1);
  EXPECT_EQ(value.at("b").as_int(), 2);
}

TEST(Kinds, ReadsFrozenSetsOfEveryProtocol) {
  const Value wanted = FrozenSet({1, 2});
  EXPECT_EQ(read("\x80\x02"
                 "c__builtin__\nfrozenset\n](K\x01K\x02"
                 "e\x85R."sv),
            wanted);
  EXPECT_EQ(read("\x80\x04(K\x01K\x02\x91."sv), wanted);
  refuse("\x80\x04(]\x91."sv, "not hashable");
}

TEST(Kinds, ParametersAndAttributesComeBack) {
  const auto attributes = std::make_shared<Dict>(Dict{{"note", "kept"}});
  const Tensor tensor = Tensor::ones({2});
  for (const bool is_parameter : {true, false}) {
    for (const bool with_attributes : {true, false}) {
      const Value value =
          TensorObject{tensor, is_parameter, with_attributes ? attributes : nullptr};
      const Value pair = round_trip(List{{value, value}}, tensor.storage());
      const Value& back = pair.at_index(0);
      EXPECT_EQ(back.identity(), pair.at_index(1).identity());
      EXPECT_EQ(back.as_tensor_object().is_parameter, is_parameter);
      ASSERT_EQ(back.as_tensor_object().attributes != nullptr, with_attributes);
      if (with_attributes) {
        EXPECT_EQ(back.as_tensor_object().attributes->at("note").as_string(), "kept");
      }
      EXPECT_TRUE(bitwise_equal(back.as_tensor(), tensor));
    }
  }
}

TEST(Kinds, ATensorMayContainItself) {
  const Value value = Tensor::arange(3);
  value.as_tensor_object().attributes = std::make_shared<Dict>(Dict{{"me", List{{value}}}});
  const Value back =
      unpickle_value(pickle_value(value).bytes, "p", one_storage(value.as_tensor().storage()));
  EXPECT_TRUE(back == value);
  take_apart(back);  // nothing else would free them
  take_apart(value);
}

TEST(Kinds, TensorsWithoutElementsComeBack) {
  Tensor tensor(std::make_shared<Storage>(48, backend_for(kMeta)), DType::float64, {2, 3}, {1, 2},
                0);
  tensor.set_requires_grad(true);
  const Pickled pickled = pickle_value(List{{tensor, kMeta}});
  EXPECT_TRUE(pickled.storages.empty());
  const Value back = read(pickled.bytes);
  const Tensor& described = back.at_index(0).as_tensor();
  EXPECT_EQ(described.device(), kMeta);
  EXPECT_EQ(described.dtype(), DType::float64);
  EXPECT_EQ(described.shape(), (Dims{2, 3}));
  EXPECT_EQ(described.strides(), (Dims{1, 2}));
  EXPECT_TRUE(described.requires_grad());
  EXPECT_EQ(back.at_index(1).as_device(), kMeta);
  refuse(
      "\x80\x02"
      "ctorch._utils\n_rebuild_meta_tensor_no_storage\n(ctorch\nfloat64\n"
      "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85K\x01\x85\x89tR."sv,
      "overflows 63 bits");
}

// torch._utils._rebuild_tensor_v2(storage, 0, (2,), (1,), False, OrderedDict()), without the call.
constexpr std::string_view kArguments =
    "((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0000X\x03\0\0\0cpuK\x02tQ"
    "K\0K\x02\x85K\x01\x85\x89"
    "ccollections\nOrderedDict\n)Rt"sv;

std::string pickle_of(std::string_view before, std::string_view after) {
  return std::string("\x80\x02").append(before).append(kArguments).append(after) + '.';
}

TEST(Kinds, ParametersAreMadeInEveryWay) {
  const Tensor tensor = Tensor::ones({2});
  const auto make = [&](std::string_view before, std::string_view after) {
    Value value = read(pickle_of(before, after), tensor.storage());
    EXPECT_TRUE(bitwise_equal(value.as_tensor(), tensor));
    return value;
  };
  EXPECT_FALSE(make("ctorch._utils\n_rebuild_tensor_v2\n", "R").as_tensor_object().is_parameter);
  // Parameter(data), by a call or as a new object, and Parameter(data, False).
  for (const char* const end : {"R\x85R", "R\x85\x81"}) {
    const Value value =
        make("ctorch.nn.parameter\nParameter\nctorch._utils\n_rebuild_tensor_v2\n", end);
    EXPECT_TRUE(value.as_tensor_object().is_parameter);
    EXPECT_TRUE(value.as_tensor().requires_grad());
  }
  const Value frozen =
      make("ctorch.nn.parameter\nParameter\nctorch._utils\n_rebuild_tensor_v2\n", "R\x89\x86R");
  EXPECT_FALSE(frozen.as_tensor().requires_grad());
  // _rebuild_from_type_v2(function, class, arguments, attributes), the attributes None.
  const Value typed = make(
      "ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\n"
      "ctorch.nn.parameter\nParameter\n",
      "NtR");
  EXPECT_TRUE(typed.as_tensor_object().is_parameter);
  EXPECT_EQ(typed.as_tensor_object().attributes, nullptr);
}

TEST(Kinds, TensorsWithWrongPartsAreRefused) {
  const auto refuse_it = [](std::string_view before, std::string_view after, const char* message) {
    const Tensor tensor = Tensor::ones({2});
    testing::expect_throw_with<FormatError>(
        [&] { static_cast<void>(read(pickle_of(before, after), tensor.storage())); }, message);
  };
  refuse_it(
      "ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\n"
      "ctorch\nSize\n",
      "NtR", "neither Tensor nor Parameter");
  refuse_it("ctorch._tensor\n_rebuild_from_type_v2\n(ctorch\nSize\nctorch\nTensor\n", "NtR",
            "an argument where none may be");
  refuse_it(
      "ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\n"
      "ctorch\nTensor\n",
      "K\x01tR", "the attributes of a tensor are a int");
  refuse_it(
      "ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._tensor\n_rebuild_from_type_v2\n"
      "ctorch\nTensor\n",
      "NtR", "not given a function and its arguments");
  refuse_it("ctorch._utils\n_rebuild_parameter\nctorch._utils\n_rebuild_tensor_v2\n",
            "R\x89}K\x01K\x02s\x87R", "backward hooks");
  refuse_it("ctorch._utils\n_rebuild_tensor\n", "R", "does not take 6 argument(s)");
  refuse_it("ctorch._utils\n_rebuild_tensor_v3\n", "R", "does not take 6 argument(s)");
}

}  // namespace
}  // namespace wick
