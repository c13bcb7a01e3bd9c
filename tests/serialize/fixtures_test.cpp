// SPDX-License-Identifier: MIT
// Files of real PyTorch (tests/fixtures/serialize/generate.py made them) and what they hold.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "serialize/checkpoint.h"
#include "tests/support.h"

namespace wick {
namespace {

// A folder for each version of PyTorch; that of 2.15 is the one around the others.
class Fixtures : public ::testing::TestWithParam<const char*> {
 protected:
  static Value load_it(const std::string& name) {
    return load(std::filesystem::path(WICK_FIXTURES) / "serialize" / GetParam() / name);
  }
};

std::string version_name(const ::testing::TestParamInfo<const char*>& version) {
  std::string name(version.param);
  if (name == ".") name = "2.15";
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(PyTorch, Fixtures, ::testing::Values("1.13", "2.0", "2.6", "."),
                         version_name);

void expect_training(const Value& value) {
  EXPECT_EQ(value.at("epoch").as_int(), 1);
  const StateDict model = StateDict::from_value(value.at("model"));
  ASSERT_EQ(model.size(), 2u);
  EXPECT_EQ(model.begin()->first, "0.weight");
  EXPECT_EQ(model.at("0.weight").shape(), (Dims{2, 3}));
  EXPECT_FALSE(model.at("0.weight").requires_grad());
  // One step of Adam moves each element by lr, save for eps.
  EXPECT_FLOAT_EQ(model.at("0.weight").at<float>({1, 2}), 5.0f / 8 - 0.125f);
  EXPECT_FLOAT_EQ(model.at("0.bias").at<float>({0}), 0.5f - 0.125f);
  ASSERT_NE(model.metadata(), nullptr);
  EXPECT_EQ(model.metadata()->at("0").at("version").as_int(), 1);
  const Value& state = value.at("opt").at("state");
  EXPECT_EQ(state.at(0).at("step").as_tensor().item<float>(), 1.0f);
  EXPECT_FLOAT_EQ(state.at(0).at("exp_avg").as_tensor().at<float>({0, 0}), 0.1f);
  const Value& group = value.at("opt").at("param_groups").at_index(0);
  EXPECT_EQ(group.at("lr").as_double(), 0.125);
  EXPECT_EQ(group.at("betas").at_index(1).as_double(), 0.999);
  EXPECT_FALSE(group.at("amsgrad").as_bool());
  EXPECT_TRUE(group.at("foreach").is_none());
  EXPECT_EQ(group.at("params").as_list().size(), 2u);
}

void expect_kinds(const Value& value) {
  const Value plain =
      List{{nullptr, true, 3, -(std::int64_t{1} << 40), 0.5, std::complex<double>(1, 2), "\xc3\xa9",
            Bytes{std::string("\0\xff", 2)}}};
  EXPECT_TRUE(value.at("plain") == plain);
  EXPECT_TRUE(value.at("tuple") == Value(Tuple{{1, Tuple{{2}}, Tuple{}}}));
  EXPECT_TRUE(value.at(7) == Value(Set{3}));
  EXPECT_EQ(value.at("size").as_size(), (Dims{2, 3}));
  EXPECT_EQ(value.at("dtype").as_dtype(), DType::bfloat16);
  EXPECT_EQ(value.at("device").as_device(), (Device{DeviceType::cuda, 1}));
  const Value& shared = value.at("shared");
  EXPECT_EQ(shared.at_index(0).identity(), shared.at_index(1).identity());
  const Value& circle = value.at("circle");
  EXPECT_EQ(circle.at_index(1).identity(), circle.identity());
  circle.as_list().clear();  // nothing else would free it
  const Dict& named = value.at("named").as_dict();
  EXPECT_EQ(named.type(), Dict::Type::ordered_dict);
  EXPECT_EQ(named.begin()->first.as_string(), "z");
  ASSERT_NE(named.attributes(), nullptr);
  EXPECT_EQ(named.attributes()->at("note").as_string(), "kept");
  const Tensor base = value.at("views").at_index(0).as_tensor();
  const Tensor transposed = value.at("views").at_index(1).as_tensor();
  const Tensor slice = value.at("views").at_index(2).as_tensor();
  EXPECT_EQ(transposed.strides(), (Dims{1, 4}));
  EXPECT_EQ(slice.offset(), 4);
  EXPECT_EQ(slice.to_vector<float>(), (std::vector<float>{4, 6, 8, 10}));
  EXPECT_EQ(base.storage(), transposed.storage());
  EXPECT_EQ(base.storage(), slice.storage());
  EXPECT_TRUE(value.at("parameter").as_tensor().requires_grad());
  EXPECT_EQ(value.at("parameter").as_tensor().to_vector<float>(), (std::vector<float>{1, 1}));
  EXPECT_EQ(value.at("empty").as_tensor().shape(), (Dims{0, 3}));
}

TEST_P(Fixtures, TrainingState) {
  expect_training(load_it("training.pt"));
  expect_training(load_it("legacy_training.pt"));
}

TEST_P(Fixtures, EveryKindInEveryProtocol) {
  for (const char* const name :
       {"kinds.pt", "protocol3.pt", "protocol4.pt", "protocol5.pt", "legacy_kinds.pt"}) {
    SCOPED_TRACE(name);
    expect_kinds(load_it(name));
  }
}

void expect_more_kinds(const Value& value, bool keeps_attributes) {
  EXPECT_EQ(value.at("big").at_index(0).as_big_integer().to_string(), "18446744073709551616");
  EXPECT_EQ(value.at("big").at_index(1).as_big_integer().to_string(),
            "-1267650600228229401496703205376");
  const Value& arrays = value.at("byte_arrays");
  EXPECT_EQ(arrays.at_index(0).as_byte_array(), std::string("\0\xff", 2));
  EXPECT_EQ(arrays.at_index(0).identity(), arrays.at_index(1).identity());
  EXPECT_EQ(arrays.at_index(2).as_byte_array(), "");
  EXPECT_TRUE(value.at("frozen") == Value(FrozenSet({3})));
  EXPECT_EQ(value.at(FrozenSet({2, 1})).as_string(), "frozen key");
  const Dict& counter = value.at("counter").as_dict();
  EXPECT_EQ(counter.type(), Dict::Type::counter);
  EXPECT_EQ(counter.at("a").as_int(), 2);
  const Dict& groups = value.at("groups").as_dict();
  EXPECT_EQ(groups.type(), Dict::Type::default_dict);
  EXPECT_EQ(groups.default_factory(), "list");
  EXPECT_TRUE(groups.at("a") == Value(List{{1}}));
  EXPECT_EQ(value.at("numbers").as_dict().default_factory(), "int");
  EXPECT_EQ(value.at("no_factory").as_dict().default_factory(), "");
  const TensorObject& frozen = value.at("frozen_parameter").as_tensor_object();
  EXPECT_TRUE(frozen.is_parameter);
  EXPECT_FALSE(frozen.tensor.requires_grad());
  EXPECT_EQ(frozen.tensor.to_vector<float>(), (std::vector<float>{0, 1, 2}));
  const TensorObject& noted = value.at("noted").as_tensor_object();
  EXPECT_FALSE(noted.is_parameter);
  ASSERT_EQ(noted.attributes != nullptr, keeps_attributes);
  if (keeps_attributes) {
    EXPECT_EQ(noted.attributes->at("note").as_string(), "kept");
  }
}

TEST_P(Fixtures, MoreKindsInEveryProtocol) {
  for (const char* const name : {"more_kinds.pt", "more_protocol3.pt", "more_protocol4.pt",
                                 "more_protocol5.pt", "legacy_more_kinds.pt"}) {
    SCOPED_TRACE(name);
    expect_more_kinds(load_it(name), GetParam() != std::string("1.13"));
  }
}

void expect_dtypes(const Value& value, std::size_t count) {
  ASSERT_EQ(value.as_dict().size(), count);
  for (const auto& [key, item] : value.as_dict()) {
    const Tensor tensor = item.as_tensor();
    EXPECT_EQ(name(tensor.dtype()), key.as_string());
    ASSERT_EQ(tensor.shape(), (Dims{2}));
    const auto* const bytes = static_cast<const unsigned char*>(tensor.raw());
    for (std::size_t i = 0; i < tensor.nbytes(); ++i) {
      EXPECT_EQ(int{bytes[i]}, static_cast<int>(i % 2));
    }
  }
}

TEST_P(Fixtures, EveryDtype) {
  const std::string version = GetParam();
  const auto count = static_cast<std::size_t>(version == "."     ? kDTypeCount
                                              : version == "2.6" ? kDTypeCount - 1
                                                                 : 12);
  expect_dtypes(load_it("dtypes.pt"), count);
  expect_dtypes(load_it("legacy_dtypes.pt"), count);
}

}  // namespace
}  // namespace wick
