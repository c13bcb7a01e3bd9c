// SPDX-License-Identifier: MIT
#include "wick/serialize/safetensors.h"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "serialize/byte_writer.h"
#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/serialize/any_file.h"
#include "wick/serialize/checkpoint.h"

namespace wick {
namespace {

namespace fs = std::filesystem;
using testing::expect_throw_with;
using testing::TempDir;
using testing::write_file;

const DType kDTypes[] = {
    DType::float64,        DType::float32,     DType::float16,         DType::bfloat16,
    DType::float8_e4m3fn,  DType::float8_e5m2, DType::float8_e4m3fnuz, DType::float8_e5m2fnuz,
    DType::float8_e8m0fnu, DType::int64,       DType::int32,           DType::int16,
    DType::int8,           DType::uint64,      DType::uint32,          DType::uint16,
    DType::uint8,          DType::boolean,     DType::complex64};

// Bytes that are no numbers to be careful with: NaNs with payloads, subnormals, anything.
Tensor any_bits(const Dims& shape, DType dtype) {
  Tensor tensor = Tensor::empty(shape, dtype);
  auto* const bytes = static_cast<unsigned char*>(tensor.raw());
  for (std::size_t i = 0; i < tensor.nbytes(); ++i) {
    bytes[i] = static_cast<unsigned char>(dtype == DType::boolean ? i % 2 : 255 - i * 73);
  }
  return tensor;
}

std::string bytes_of(const StateDict& state, const TextMetadata& metadata = {}) {
  std::string bytes;
  write_safetensors(
      state, [&bytes](std::string_view piece) { bytes.append(piece); }, metadata);
  return bytes;
}

std::string file_of(std::string_view json, std::string_view data) {
  ByteWriter file;
  file.write(static_cast<std::uint64_t>(json.size()));
  file.bytes(json);
  file.bytes(data);
  return file.release();
}

class Safetensors : public ::testing::Test {
 protected:
  StateDict read(const std::string& bytes, bool mmap = true) {
    write_file(path_, bytes);
    return SafetensorsFile(path_, mmap).read_all();
  }
  void expect_refused(const std::string& json, const std::string& reason,
                      const std::string& data = "1234") {
    expect_throw_with<FormatError>([&] { static_cast<void>(read(file_of(json, data))); }, reason);
  }

  TempDir directory_;
  fs::path path_ = directory_ / "m.safetensors";
};

TEST_F(Safetensors, EveryDtypeComesBackBitForBit) {
  StateDict state;
  for (const DType dtype : kDTypes) {
    for (const Dims& shape : {Dims{}, Dims{0}, Dims{3, 0}, Dims{7}, Dims{2, 3}, Dims(9, 1)}) {
      state.set(concat(dtype, shape), any_bits(shape, dtype));
    }
  }
  save_safetensors(state, path_);
  for (const bool mmap : {false, true}) {
    const SafetensorsFile file(path_, mmap);
    ASSERT_EQ(file.entries().size(), state.size());
    for (const auto& [name, tensor] : state) {
      const Tensor back = file.read(name);
      EXPECT_EQ(back.dtype(), tensor.dtype());
      EXPECT_TRUE(bitwise_equal(back, tensor)) << name;
    }
  }
}

// As `safetensors.torch.save(tensors, {"format": "pt"})` of version 0.8.0 writes it.
TEST_F(Safetensors, WritesTheReferenceImplementationsBytes) {
  StateDict state;
  state.set("b", Tensor::from({std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{3}}));
  state.set("a", Tensor::from({1.0F}));
  state.set("z", Tensor::from<std::int64_t>({-1}, {}));
  const std::string json =
      R"({"__metadata__":{"format":"pt"},"z":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
      R"("a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},)"
      R"("b":{"dtype":"U8","shape":[3],"data_offsets":[12,15]}})";
  const std::string padded = json + std::string((8 - json.size() % 8) % 8, ' ');
  const std::string data("\xff\xff\xff\xff\xff\xff\xff\xff\0\0\x80\x3f\1\2\3", 15);
  EXPECT_EQ(bytes_of(state, {{"format", "pt"}}), file_of(padded, data));
  EXPECT_EQ(bytes_of({}), file_of("{}      ", ""));
}

TEST_F(Safetensors, MetadataAndNamesComeBack) {
  StateDict state;
  for (const char* const name : {"", " ", "\"\\/", "\n\x01\x7f", "\xC3\xA9", "a.b"}) {
    state.set(name, Tensor::scalar(1.0F));
  }
  const TextMetadata metadata = {{"z", "1"}, {"a", "\"\n\xF0\x9F\x98\x80"}, {"", ""}};
  save_safetensors(state, path_, metadata);
  const SafetensorsFile file(path_);
  EXPECT_EQ(file.metadata(), metadata);
  for (const auto& [name, tensor] : state) EXPECT_NE(file.find(name), nullptr) << name;
  EXPECT_EQ(file.find("b"), nullptr);
  expect_throw_with<StateDictError>([&] { static_cast<void>(file.read("b")); }, "\"b\"");
}

TEST_F(Safetensors, ViewsAreWrittenWhole) {
  const Tensor base = any_bits({4, 6}, DType::float32);
  StateDict state;
  state.set("t", base.transpose(0, 1));
  state.set("s", base.slice(1, 1, 6, 2));
  state.set("e", base.as_strided({3, 6}, {0, 1}, 6));
  const StateDict back = read(bytes_of(state));
  for (const auto& [name, tensor] : state) {
    EXPECT_TRUE(bitwise_equal(back.at(name), tensor)) << name;
    EXPECT_TRUE(back.at(name).is_contiguous()) << name;
  }
}

TEST_F(Safetensors, MappedTensorsNeverChangeTheFileAndOutliveIt) {
  StateDict state;
  state.set("w", any_bits({1000, 3}, DType::float32));
  const std::string bytes = bytes_of(state);
  const Tensor mapped = read(bytes).at("w");
  EXPECT_TRUE(bitwise_equal(mapped, state.at("w")));
  const Tensor second = SafetensorsFile(path_).read("w");
  mapped.fill_(7);
  EXPECT_EQ(mapped.at<float>({999, 2}), 7.0F);
  EXPECT_TRUE(bitwise_equal(second, state.at("w")));
  std::ifstream file(path_, std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), bytes);
  fs::remove(path_);
  EXPECT_EQ(mapped.at<float>({0, 0}), 7.0F);
}

TEST_F(Safetensors, MisalignedTensorsAreCopied) {
  // Allowed by the format: a float32 behind one byte.
  const std::string json =
      R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})";
  const StateDict state = read(file_of(json, std::string("\1\0\0\x80\x3f", 5)));
  EXPECT_EQ(state.at("b").item<float>(), 1.0F);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(state.at("b").raw()) % alignof(float), 0u);
}

TEST_F(Safetensors, WhatCannotBeWrittenIsRefusedBeforeTheDiskIsTouched) {
  StateDict state;
  state.set("c", Tensor::zeros({1}, DType::complex128));
  expect_throw_with<DTypeError>([&] { save_safetensors(state, path_); }, "complex128");
  StateDict named;
  named.set("__metadata__", Tensor::zeros({1}));
  EXPECT_THROW(save_safetensors(named, path_), ValueError);
  StateDict bad;
  bad.set("\xff", Tensor::zeros({1}));
  EXPECT_THROW(save_safetensors(bad, path_), ValueError);
  StateDict good;
  good.set("a", Tensor::zeros({1}));
  EXPECT_THROW(save_safetensors(good, path_, {{"k", "\xff"}}), ValueError);
  EXPECT_THROW(save_safetensors(good, path_, {{"k", "1"}, {"k", "2"}}), ValueError);
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(Safetensors, LyingHeadersAreRefused) {
  const auto entry = [](const std::string& name, const std::string& dtype, const std::string& shape,
                        const std::string& offsets) {
    return '"' + name + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape +
           R"(,"data_offsets":)" + offsets + '}';
  };
  const std::string a = entry("a", "U8", "[2]", "[0,2]");
  EXPECT_NO_THROW(read(file_of('{' + a + ',' + entry("b", "U8", "[2]", "[2,4]") + '}', "1234")));
  EXPECT_NO_THROW(read(file_of('{' + entry("b", "U8", "[2]", "[2,4]") + ',' + a + '}', "1234")));
  expect_refused('{' + a + ',' + entry("b", "U8", "[1]", "[3,4]") + '}', "\"b\"");
  expect_refused('{' + a + ',' + entry("b", "U8", "[3]", "[1,4]") + '}', "ends at byte 2");
  expect_refused('{' + a + ',' + entry("b", "U8", "[2]", "[0,2]") + '}', "\"b\"");
  expect_refused('{' + a + '}', "longer");
  expect_refused('{' + entry("a", "U8", "[9]", "[0,9]") + '}', "cut short");
  expect_refused('{' + entry("a", "U8", "[2]", "[2,0]") + '}', "[2, 0]");
  expect_refused('{' + entry("a", "U8", "[3]", "[0,4]") + '}', "do not hold");
  expect_refused('{' + entry("a", "F32", "[4]", "[0,4]") + '}', "do not hold");
  expect_refused('{' + entry("a", "U8", "[4]", "[0,4,4]") + '}', "3 data_offsets");
  expect_refused('{' + entry("a", "U8", "[4]", "[0]") + '}', "1 data_offsets");
  expect_refused('{' + entry("a", "U8", "[-4]", "[0,4]") + '}', "-4");
  expect_refused('{' + entry("a", "U8", "[4.0]", "[0,4]") + '}', "4.0");
  expect_refused('{' + entry("a", "U8", "[4294967296,4294967296]", "[0,4]") + '}', "\"a\"");
  expect_refused('{' + entry("a", "F64", "[2305843009213693952]", "[0,0]") + '}', "\"a\"");
  expect_refused('{' + entry("a", "U8", "[9223372036854775808,0]", "[0,0]") + '}', "too large");
  expect_refused('{' + entry("a", "U8", "[18446744073709551616]", "[0,4]") + '}', "64 bits");
  expect_refused('{' + entry("a", "Q8", "[4]", "[0,4]") + '}', "Q8");
  expect_refused('{' + entry("a", "F4", "[8]", "[0,4]") + '}', "whole bytes");
  expect_refused('{' + a + ',' + a + '}', "twice");
  expect_refused(R"({"a":{"dtype":"U8","dtype":"U8","shape":[4],"data_offsets":[0,4]}})", "twice");
  expect_refused(R"({"a":{"dtype":"U8","shape":[4]}})", "no data_offsets");
  expect_refused(R"({"a":{"shape":[4],"data_offsets":[0,4]}})", "no dtype");
  expect_refused(R"({"__metadata__":{"k":1},)" + entry("a", "U8", "[4]", "[0,4]") + '}',
                 "a string");
  expect_refused(R"({"__metadata__":{"k":"","k":""},)" + entry("a", "U8", "[4]", "[0,4]") + '}',
                 "twice");
  expect_refused("[]", "an object");
  expect_refused("", "ends");
  expect_refused('{' + entry("a", "U8", "[4]", "[0,4]") + "} x", "follows");
  // Unknown keys are left to later versions of the format, but must be JSON.
  EXPECT_NO_THROW(read(
      file_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"x":[{"y":[]}]}})", "1234")));
  expect_refused(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"x":)" +
                     std::string(1'000'000, '[') + "}}",
                 "128 levels");
}

TEST_F(Safetensors, LengthFieldsAreNotTrusted) {
  for (const std::uint64_t length : {std::uint64_t{100}, std::uint64_t{100'000'001},
                                     std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
    ByteWriter file;
    file.write(length);
    file.bytes("{}");
    expect_throw_with<FormatError>([&] { static_cast<void>(read(file.str())); },
                                   std::to_string(length));
  }
}

StateDict small_state() {
  StateDict state;
  state.set("a", Tensor::from({1.0F, 2.0F}));
  state.set("b", Tensor::from({std::uint8_t{1}}));
  return state;
}

TEST_F(Safetensors, EveryTruncationIsRefused) {
  const std::string bytes = bytes_of(small_state(), {{"k", "v"}});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(static_cast<void>(read(bytes.substr(0, size))), FormatError) << size;
  }
  EXPECT_THROW(static_cast<void>(read(bytes + '\0')), FormatError);
  EXPECT_THROW(static_cast<void>(read('\0' + bytes)), FormatError);
}

// There is no checksum: a flipped bit of an element or a name shows as another element or name.
// Whatever else it hits must be refused, and nothing may crash.
TEST_F(Safetensors, FlippedBitsNeverCrash) {
  const std::string bytes = bytes_of(small_state(), {{"k", "v"}});
  std::size_t refused = 0;
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    try {
      const StateDict state = read(flipped);
      EXPECT_EQ(state.size(), 2u) << bit;
    } catch (const FormatError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, bytes.size() * 3);
}

TEST_F(Safetensors, LoadAnyKnowsIt) {
  save_safetensors(small_state(), path_);
  EXPECT_EQ(recognise_file(path_), FileFormat::safetensors);
  EXPECT_TRUE(bitwise_equal(StateDict::from_value(load_any(path_)).at("a"), small_state().at("a")));
  expect_throw_with<FormatError>([&] { static_cast<void>(load(path_)); }, "load_safetensors");
}

}  // namespace
}  // namespace wick
