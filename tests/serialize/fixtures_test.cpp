// SPDX-License-Identifier: MIT
// Files of real PyTorch (tests/fixtures/serialize/generate.py made them) and what they hold.
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "serialize/checkpoint.h"
#include "tests/support.h"

namespace wick {
namespace {

std::filesystem::path fixture(const char* name) {
  return std::filesystem::path(WICK_FIXTURES) / "serialize" / name;
}

TEST(Fixtures, TrainingState) {
  const Value value = load(fixture("training.pt"));
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

TEST(Fixtures, EveryKind) {
  expect_kinds(load(fixture("kinds.pt")));
}

TEST(Fixtures, EveryKindInProtocol4) {
  expect_kinds(load(fixture("protocol4.pt")));
}

TEST(Fixtures, EveryDtype) {
  const Value value = load(fixture("dtypes.pt"));
  ASSERT_EQ(value.as_dict().size(), static_cast<std::size_t>(kDTypeCount));
  for (const auto& [key, item] : value.as_dict()) {
    const Tensor tensor = item.as_tensor();
    EXPECT_EQ(name(tensor.dtype()), key.as_string());
    ASSERT_EQ(tensor.shape(), (Dims{2}));
    const auto* const bytes = static_cast<const unsigned char*>(tensor.raw());
    for (std::size_t i = 0; i < tensor.nbytes(); ++i)
      EXPECT_EQ(int{bytes[i]}, static_cast<int>(i % 2));
  }
}

TEST(Fixtures, LegacyFormatIsNamed) {
  testing::expect_throw_with<FormatError>([] { static_cast<void>(load(fixture("legacy.pt"))); },
                                          "before PyTorch 1.6");
}

}  // namespace
}  // namespace wick
