// SPDX-License-Identifier: MIT
// Files of real PyTorch (tests/fixtures/serialize/generate.py made them) and what they hold.
#include <algorithm>
#include <complex>
#include <cstdint>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/serialize/checkpoint.h"

namespace wick {
namespace {

// What a version of PyTorch has and writes.
struct Version {
  std::string folder;
  bool zipped = true;        // the format of today beside the older one
  int highest_protocol = 5;  // that its Python has
  std::size_t dtypes = 12;   // that it can save
  DType dtype = DType::bfloat16;
  bool python2 = false;
  bool keeps_attributes = true;  // of tensors
  bool has_storages = false;     // there are files of them
  bool has_untyped = false;      // and of those without a dtype, and of layouts
  bool has_lazy_views = false;
};

// A folder for each version of PyTorch; that of 2.15 is the one around the others.
std::vector<Version> versions() {
  Version version;
  std::vector<Version> all;
  const auto add = [&](const char* folder, auto&& change) {
    version.folder = folder;
    change(version);
    all.push_back(version);
  };
  add("1.0-python2", [](Version& v) {
    v.zipped = v.keeps_attributes = false;
    v.has_storages = v.python2 = true;
    v.highest_protocol = 2;
    v.dtypes = 8;
    v.dtype = DType::float16;
  });
  add("1.0", [](Version& v) {
    v.python2 = false;
    v.highest_protocol = 4;
  });
  add("1.4", [](Version& v) {
    v.dtypes = 10;  // bfloat16 and bool are new
    v.dtype = DType::bfloat16;
  });
  add("1.5", [](Version& /*v*/) {});
  add("1.6", [](Version& v) {
    v.zipped = true;
    v.dtypes = 12;
  });
  add("1.9", [](Version& /*v*/) {});
  add("1.12", [](Version& v) { v.has_untyped = true; });
  add("1.13", [](Version& v) { v.highest_protocol = 5; });
  add("2.0", [](Version& v) {
    v.keeps_attributes = true;
    v.has_storages = v.has_untyped = false;
  });
  add("2.6", [](Version& v) { v.dtypes = 20; });
  add(".", [](Version& v) {
    v.has_storages = v.has_untyped = v.has_lazy_views = true;
    v.dtypes = kNumberDTypeCount + 7;  // of the opaque ones, not int1 to uint7
  });
  return all;
}

void PrintTo(const Version& version, std::ostream* out) {
  *out << version.folder;
}

Value load_of(const Version& version, const std::string& name) {
  return load(std::filesystem::path(WICK_FIXTURES) / "serialize" / version.folder / name);
}

// One kind of value, in both formats as far as the version has them.
template <typename Expect>
void expect_in_formats(const Version& version, const std::string& name, const Expect& expect) {
  SCOPED_TRACE(concat("PyTorch ", version.folder, ", ", name));
  if (version.zipped) expect(load_of(version, name + ".pt"));
  expect(load_of(version, "legacy_" + name + ".pt"));
}

class Fixtures : public ::testing::TestWithParam<Version> {
 protected:
  template <typename Expect>
  static void expect_in_protocols(const std::string& name, const Expect& expect) {
    const std::string prefix = GetParam().zipped ? "" : "legacy_";
    for (int protocol = 3; protocol <= GetParam().highest_protocol; ++protocol) {
      expect(load_of(GetParam(), prefix + name + std::to_string(protocol) + ".pt"));
    }
  }
};

std::string version_name(const ::testing::TestParamInfo<Version>& version) {
  std::string name(version.param.folder);
  if (name == ".") name = "2.15";
  std::ranges::replace(name, '.', '_');
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(PyTorch, Fixtures, ::testing::ValuesIn(versions()), version_name);

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
  // Before 1.6 the parameters had no numbers, but addresses; before 1.12 the step was an int.
  const Value& states = value.at("opt").at("state");
  ASSERT_EQ(states.as_dict().size(), 2U);
  for (const auto& [id, state] : states.as_dict()) {
    const Value& step = state.at("step");
    EXPECT_EQ(step.kind() == Value::Kind::tensor ? step.as_tensor().item<float>()
                                                 : static_cast<float>(step.as_int()),
              1.0f);
    const Tensor& average = state.at("exp_avg").as_tensor();
    EXPECT_FLOAT_EQ(average.to_vector<float>().front(), 0.1f);
  }
  const Value& group = value.at("opt").at("param_groups").at_index(0);
  EXPECT_EQ(group.at("lr").as_double(), 0.125);
  EXPECT_EQ(group.at("betas").at_index(1).as_double(), 0.999);
  EXPECT_FALSE(group.at("amsgrad").as_bool());
  if (group.contains("foreach")) {
    EXPECT_TRUE(group.at("foreach").is_none());
  }
  ASSERT_EQ(group.at("params").as_list().size(), 2u);
  for (const Value& id : group.at("params").as_list()) EXPECT_TRUE(states.contains(id));
}

void expect_kinds(const Value& value, const Version& version) {
  List plain{
      {nullptr, true, 3, -(std::int64_t{1} << 40), 0.5, std::complex<double>(1, 2), "\xc3\xa9"}};
  if (!version.python2) plain.items.emplace_back(Bytes{std::string("\0\xff", 2)});
  EXPECT_TRUE(value.at("plain") == Value(plain));
  EXPECT_TRUE(value.at("tuple") == Value(Tuple{{1, Tuple{{2}}, Tuple{}}}));
  EXPECT_TRUE(value.at(7) == Value(Set{3}));
  EXPECT_EQ(value.at("size").as_size(), (Dims{2, 3}));
  if (!version.python2) {
    EXPECT_EQ(value.at("dtype").as_dtype(), version.dtype);
  }
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
  expect_in_formats(GetParam(), "training", expect_training);
}

TEST_P(Fixtures, EveryKindInEveryProtocol) {
  const auto expect = [](const Value& value) { expect_kinds(value, GetParam()); };
  expect_in_formats(GetParam(), "kinds", expect);
  expect_in_protocols("protocol", expect);
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
  const auto expect = [](const Value& value) {
    expect_more_kinds(value, GetParam().keeps_attributes);
  };
  expect_in_formats(GetParam(), "more_kinds", expect);
  expect_in_protocols("more_protocol", expect);
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
  expect_in_formats(GetParam(), "dtypes",
                    [](const Value& value) { expect_dtypes(value, GetParam().dtypes); });
}

void expect_storages(const Value& value) {
  const StorageObject& before = value.at("before").as_storage();
  EXPECT_EQ(before.dtype, DType::float32);
  EXPECT_EQ(before.tensor().to_vector<float>(), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(value.at("tensor").as_tensor().storage(), before.storage);
  EXPECT_EQ(value.at("tensor").as_tensor().to_vector<float>(), (std::vector<float>{3, 4, 5}));
  EXPECT_EQ(value.at("after").at_index(0).as_storage().storage, before.storage);
  EXPECT_EQ(value.at("after").at_index(1).as_storage().tensor().to_vector<std::int16_t>(),
            (std::vector<std::int16_t>{0, 1, 2}));
  EXPECT_EQ(value.at("empty").as_storage().storage->bytes(), 0U);
}

void expect_more_storages(const Value& more) {
  const StorageObject& untyped = more.at("untyped").as_storage();
  EXPECT_FALSE(untyped.dtype);
  EXPECT_EQ(untyped.tensor().to_vector<std::uint8_t>(), (std::vector<std::uint8_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(more.at("tensor").as_tensor().storage(), untyped.storage);
  EXPECT_EQ(more.at("layouts").at_index(0).as_layout(), Layout::strided);
  EXPECT_EQ(more.at("layouts").at_index(1).as_layout(), Layout::sparse_coo);
}

void expect_lazy_views(const Value& value) {
  using C = std::complex<float>;
  const auto numbers = [&value](const char* name) {
    return value.at(name).as_tensor().to_vector<C>();
  };
  EXPECT_EQ(numbers("base"), (std::vector<C>{C(1, 2), C(3, -4)}));
  EXPECT_EQ(numbers("conj"), (std::vector<C>{C(1, -2), C(3, 4)}));
  EXPECT_EQ(numbers("tail"), (std::vector<C>{C(3, 4)}));
  EXPECT_EQ(numbers("neg"), (std::vector<C>{C(-1, -2), C(-3, 4)}));
  EXPECT_EQ(value.at("tail").as_tensor().storage(), value.at("conj").as_tensor().storage());
}

TEST(FixturesOfSome, StoragesAndLazyViews) {
  int count = 0;
  for (const Version& version : versions()) {
    if (version.has_storages) expect_in_formats(version, "storages", expect_storages);
    if (version.has_untyped) expect_more_storages(load_of(version, "more_storages.pt"));
    if (version.has_lazy_views) expect_in_formats(version, "lazy", expect_lazy_views);
    count += version.has_storages ? 1 : 0;
  }
  EXPECT_EQ(count, 9);
}

}  // namespace
}  // namespace wick
