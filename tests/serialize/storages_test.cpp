// SPDX-License-Identifier: MIT
// Storages that are values themselves, layouts, and views that PyTorch conjugates or negates
// lazily.
#include <cmath>
#include <complex>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "serialize/pickle_reader.h"
#include "serialize/pickle_writer.h"
#include "tests/serialize/archive_builder.h"
#include "tests/support.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/serialize/checkpoint.h"
#include "wick/serialize/checkpoint_file.h"

namespace wick {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

// ('storage', class, '0', 'cpu', count) as a persistent id.
std::string storage_of(const std::string& type, int count) {
  return "(X\x07\0\0\0storagec"s + type + "X\x01\0\0\0000X\x03\0\0\0cpuK"s +
         static_cast<char>(count) + "tQ";
}

// _rebuild_tensor_v2(storage, 0, (count,), (1,), False, {}, {metadata})
std::string view_of(const std::string& type, int count, const std::string& metadata) {
  return "ctorch._utils\n_rebuild_tensor_v2\n("s + storage_of("torch\n" + type + '\n', count) +
         "K\0K"s + static_cast<char>(count) + "\x85K\x01\x85\x89}}" + metadata + "tR";
}
const std::string kConj = "X\x04\0\0\0conj\x88s"s;
const std::string kNeg = "X\x03\0\0\0neg\x88s"s;
const std::string kBoth = "(X\x04\0\0\0conj\x88X\x03\0\0\0neg\x88u"s;

class Storages : public ::testing::Test {
 protected:
  // A file with this pickle and one record of data.
  void write(const std::string& pickle, std::string_view data,
             const std::string& order = "little") {
    std::ofstream(path, std::ios::binary) << testing::checkpoint_of(pickle, data, order);
  }
  template <typename T>
  void write(const std::string& pickle, std::initializer_list<T> numbers) {
    write(pickle, {reinterpret_cast<const char*>(numbers.begin()), numbers.size() * sizeof(T)});
  }
  [[nodiscard]] Value load_it() const { return load(path); }
  void refuse(const std::string& message) const {
    testing::expect_throw_with<FormatError>([this] { static_cast<void>(load_it()); }, message);
    testing::expect_throw_with<FormatError>(
        [this] { static_cast<void>(CheckpointFile::open(path)); }, message);
  }

  testing::TempDir directory;
  fs::path path = directory / "x.pt";
};

TEST_F(Storages, ComeBackAndShareTheirBytes) {
  const Tensor tensor = Tensor::arange(6, DType::float32).view({2, 3});
  const Tensor bytes = Tensor::from<std::uint8_t>({1, 2, 3});
  const Value typed = StorageObject{tensor.storage(), DType::float32};
  save(Dict{{"first", typed},
            {"tensor", tensor[1]},
            {"inside", List{{Tuple{{typed, 1}}}}},
            {"untyped", StorageObject{bytes.storage()}},
            {"bytes", StorageObject{bytes.storage(), DType::uint8}},
            {"layouts", List{{Layout::strided, Layout::sparse_bsc, Layout::strided}}}},
       path);
  const Value back = load_it();
  const StorageObject& first = back.at("first").as_storage();
  EXPECT_EQ(first.dtype, DType::float32);
  EXPECT_EQ(first.tensor().to_vector<float>(), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(back.at("tensor").as_tensor().storage(), first.storage);
  EXPECT_EQ(back.at("inside").at_index(0).at_index(0).as_storage().storage, first.storage);
  EXPECT_FALSE(back.at("untyped").as_storage().dtype);
  EXPECT_EQ(back.at("untyped").as_storage().storage, back.at("bytes").as_storage().storage);
  EXPECT_EQ(back.at("bytes").as_storage().tensor().to_vector<std::uint8_t>(),
            (std::vector<std::uint8_t>{1, 2, 3}));
  EXPECT_EQ(back.at("layouts").at_index(1).as_layout(), Layout::sparse_bsc);
  EXPECT_EQ(pickle_value(back).storages.size(), 2U);  // each once
}

TEST_F(Storages, MayBeTheWholeValue) {
  save(StorageObject{Tensor::arange(3).storage(), DType::int64}, path);
  EXPECT_EQ(load_it().as_storage().tensor().to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{0, 1, 2}));
  const auto empty = std::make_shared<Storage>(0, backend_for(kCpu));
  save(StorageObject{empty}, path);
  EXPECT_EQ(load_it().as_storage().storage->bytes(), 0U);
}

TEST_F(Storages, AreReadWhenAskedFor) {
  const Tensor tensor = Tensor::arange(4, DType::float32);
  save(Dict{{"s", StorageObject{tensor.storage(), DType::float32}}, {"t", tensor}}, path);
  const CheckpointFile file = CheckpointFile::open(path);
  ASSERT_EQ(file.tensors().size(), 1U);  // what load_into() looks at
  ASSERT_EQ(file.storages().size(), 1U);
  const StorageInfo& info = file.storages()[0];
  EXPECT_EQ(info.name, "s");
  EXPECT_EQ(info.dtype, DType::float32);
  EXPECT_EQ(info.bytes, 16U);
  EXPECT_EQ(info.device, "cpu");
  EXPECT_EQ(info.record, file.find("t")->record);
  const StorageObject& described = file.tree().at("s").as_storage();
  EXPECT_EQ(described.storage->device(), kMeta);
  const std::vector<NamedStorage> named = named_objects(file.tree()).storages;
  ASSERT_EQ(named.size(), 1U);
  EXPECT_EQ(named[0].name, "s");
  const StorageObject read = file.storage(described);
  EXPECT_EQ(read.tensor().to_vector<float>(), (std::vector<float>{0, 1, 2, 3}));
  EXPECT_EQ(file.tensor("t").storage(), read.storage);
  EXPECT_EQ(file.value().at("s").as_storage().storage, read.storage);
  testing::expect_throw_with<ValueError>([&] { static_cast<void>(file.storage(read)); },
                                         "not one of this file's tree()");
}

TEST_F(Storages, GoWhereMapLocationSays) {
  save(StorageObject{Tensor::arange(3).storage(), DType::int64}, path);
  EXPECT_EQ(load(path, "meta").as_storage().storage->device(), kMeta);
  testing::expect_throw_with<DeviceError>([this] { static_cast<void>(load(path, "cuda:97")); },
                                          "cuda:97");
}

TEST_F(Storages, WhatPyTorchCannotHoldIsNotSaved) {
  const Tensor tensor = Tensor::arange(3, DType::float32);
  const auto refuse_save = [this](const Value& value, const char* message) {
    try {
      save(value, path);
      ADD_FAILURE() << message;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(message), std::string::npos) << error.what();
    }
    EXPECT_FALSE(fs::exists(path));
  };
  refuse_save(List{{tensor, StorageObject{tensor.storage()}}}, "share one storage");
  refuse_save(StorageObject{tensor.storage(), DType::uint16}, "no class of storages for uint16");
  refuse_save(StorageObject{std::make_shared<Storage>(4, backend_for(kMeta))}, "meta");
}

TEST_F(Storages, ThatLieAreRefused) {
  const std::string floats = storage_of("torch\nFloatStorage\n", 3);
  write(floats, "0123456789ab");
  EXPECT_EQ(load_it().as_storage().storage->bytes(), 12U);
  write(floats, "01234567");
  refuse("record \"x/data/0\", offset ");
  refuse("8 bytes are not the 3 elements of float32 that data.pkl announces");
  write(storage_of("torch\nUntypedStorage\n", 3), "01234567");
  refuse("8 bytes are not the 3 bytes that data.pkl announces");
  write("(X\x07\0\0\0storagectorch\nByteStorage\nX\x01\0\0\0001X\x03\0\0\0cpuK\x03tQ"s, "abc");
  refuse("record \"x/data/1\", which is not there");
  write("(X\x07\0\0\0storagectorch\nByteStorage\nX\x01\0\0\0000X\x03\0\0\0cpuJ\xff\xff\xff\xfftQ"s,
        "abc");
  refuse("a storage of -1 elements");
  for (const std::string& pickle :
       {"}" + floats + "K\x01s", "}" + floats + "\x85K\x01s",
        "c__builtin__\nset\n](" + floats + "e\x85R", "}(" + floats + "\x85\x85K\x01u"}) {
    write(pickle, "0123456789ab");
    refuse("as a key");
  }
  write("ctorch\nSize\n" + floats + "\x85R", "0123456789ab");
  refuse("where none may be");
  write("]ctorch\nFloatStorage\na", "0123456789ab");
  refuse("a class or a function lies among the values");
}

TEST_F(Storages, ManyOfThemTakeLinearTime) {
  std::string pickle = "](";
  constexpr int kCount = 50'000;
  pickle += storage_of("torch\nByteStorage\n", 3) + "q\x01";
  for (int i = 1; i < kCount; ++i) pickle += "h\x01";
  write(pickle + "e", "abc");
  const Value back = load_it();
  ASSERT_EQ(back.as_list().size(), std::size_t{kCount});
  EXPECT_EQ(back.at_index(kCount - 1).as_storage().storage, back.at_index(0).as_storage().storage);
}

TEST_F(Storages, BigEndianOnesAreTurnedRound) {
  write(storage_of("torch\nShortStorage\n", 2), "\x01\x02\x03\x04", "big");
  EXPECT_EQ(load_it().as_storage().tensor().to_vector<std::int16_t>(),
            (std::vector<std::int16_t>{0x0102, 0x0304}));
  write(storage_of("torch.storage\nUntypedStorage\n", 4), "\x01\x02\x03\x04", "big");
  EXPECT_EQ(load_it().as_storage().tensor().at<std::uint8_t>({0}), 1);
}

TEST_F(Storages, UnknownLayoutsAreRefused) {
  write("ctorch.serialization\n_get_layout\nX\x0d\0\0\0torch.strided\x85R"s, "");
  EXPECT_EQ(load_it().as_layout(), Layout::strided);
  write("ctorch.serialization\n_get_layout\nX\x07\0\0\0strided\x85R"s, "");
  refuse("\"strided\" is no torch.layout");
  write("ctorch.serialization\n_get_layout\n)R"s, "");
  refuse("does not take 0 argument(s)");
}

TEST_F(Storages, ConjugatedViewsAreResolved) {
  using C = std::complex<float>;
  write<C>("](" + view_of("ComplexFloatStorage", 2, kConj) + view_of("ComplexFloatStorage", 2, "") +
               view_of("ComplexFloatStorage", 2, kConj) + view_of("ComplexFloatStorage", 2, kBoth) +
               "e",
           {C(1, 2), C(-3, 0)});
  const auto check = [](const Value& value) {
    const auto numbers = [&](std::size_t i) {
      return value.at_index(i).as_tensor().to_vector<C>();
    };
    EXPECT_EQ(numbers(0), (std::vector<C>{C(1, -2), C(-3, 0)}));
    EXPECT_TRUE(std::signbit(numbers(0)[1].imag()));
    EXPECT_EQ(numbers(1), (std::vector<C>{C(1, 2), C(-3, 0)}));
    EXPECT_EQ(numbers(3), (std::vector<C>{C(-1, 2), C(3, 0)}));
    const auto storage = [&](std::size_t i) { return value.at_index(i).as_tensor().storage(); };
    EXPECT_NE(storage(0), storage(1));
    EXPECT_EQ(storage(0), storage(2));
  };
  check(load_it());
  const CheckpointFile file = CheckpointFile::open(path);
  check(file.value());
  EXPECT_EQ(file.tensor("0").to_vector<C>()[0], C(1, -2));
  Tensor target = Tensor::zeros({2}, DType::complex64);
  StateDict state;
  state.set("0", target);
  LoadIntoOptions options;
  options.strict = false;
  static_cast<void>(file.load_into(state, options));
  EXPECT_EQ(target.to_vector<C>()[0], C(1, -2));
  EXPECT_EQ(load(path, "meta").at_index(0).as_tensor().device(), kMeta);
}

TEST_F(Storages, NegatedViewsAreResolved) {
  write<double>(view_of("DoubleStorage", 2, kNeg), {1.5, 0.0});
  const Tensor doubles = load_it().as_tensor();
  EXPECT_EQ(doubles.at<double>({0}), -1.5);
  EXPECT_TRUE(std::signbit(doubles.at<double>({1})));
  write<std::int16_t>(view_of("ShortStorage", 2, kNeg), {7, -32768});
  EXPECT_EQ(load_it().as_tensor().to_vector<std::int16_t>(),
            (std::vector<std::int16_t>{-7, -32768}));
  write<std::uint8_t>(view_of("ByteStorage", 2, kNeg), {1, 0});
  EXPECT_EQ(load_it().as_tensor().to_vector<std::uint8_t>(), (std::vector<std::uint8_t>{255, 0}));
  // Big-endian numbers are turned round first.
  write(view_of("ShortStorage", 2, kNeg), "\x01\x02\xff\xff", "big");
  EXPECT_EQ(load_it().as_tensor().to_vector<std::int16_t>(),
            (std::vector<std::int16_t>{-0x0102, 1}));
}

TEST_F(Storages, ViewsThatCannotBeAreRefused) {
  write<float>(view_of("FloatStorage", 2, kConj), {1, 2});
  refuse("a conjugated view of float32, which is not complex");
  write<char>(view_of("BoolStorage", 2, kNeg), {1, 0});
  refuse("a negated view of bool, which has no negatives");
  write<float>(view_of("FloatStorage", 2, "X\x03\0\0\0abc\x88s"s), {1, 2});
  refuse("metadata other than \"conj\" and \"neg\"");
  write<float>(view_of("FloatStorage", 2, "X\x03\0\0\0negK\x01s"s), {1, 2});
  refuse("expected a bool");
  write<float>("](" + view_of("FloatStorage", 2, kNeg) + view_of("IntStorage", 2, kNeg) + "e",
               {1, 2});
  refuse("views of different dtypes share it");
}

}  // namespace
}  // namespace wick
