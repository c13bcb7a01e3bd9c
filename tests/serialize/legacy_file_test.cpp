// SPDX-License-Identifier: MIT
// A file of PyTorch before 1.6 that is opened without reading its storages, and one storage under
// several dtypes in it.
#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include "serialize/byte_writer.h"
#include "serialize/legacy_reader.h"
#include "serialize/pickle_writer.h"
#include "tests/bytes_read.h"
#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/serialize/checkpoint.h"

namespace wick {
namespace {

using namespace std::string_literals;
using testing::TempDir;
using testing::write_file;

struct Part {
  std::string key;
  std::uint64_t count = 0;
  std::string bytes;
};

// A file whose pickle is `value` and whose storages are these.
std::string legacy(const std::string& value, const std::vector<Part>& storages) {
  List keys;
  ByteWriter out;
  out.bytes("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."s);
  out.bytes(pickle_value(Dict{{"little_endian", true}}).bytes);
  out.bytes("\x80\x02"s + value + ".");
  for (const Part& part : storages) keys.items.emplace_back(part.key);
  out.bytes(pickle_value(keys).bytes);
  for (const Part& part : storages) {
    out.write(part.count);
    out.bytes(part.bytes);
  }
  return out.release();
}

std::string number(int value) {
  std::string bytes = "J";
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

// A tensor of one dimension over the storage "0".
std::string tensor(const std::string& type, int numel, int size, int offset = 0,
                   const std::string& location = "cpu", const std::string& key = "0") {
  return "ctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\n" + type + "\nU\x01" + key +
         "U" + static_cast<char>(location.size()) + location + number(numel) + "NtQ" +
         number(offset) + number(size) + "\x85K\x01\x85\x89}tR";
}

TEST(LegacyStorages, EmptyOnesHaveAnyDtype) {
  const TempDir directory;
  const auto path = directory / "x.pt";
  write_file(path, legacy("](" + tensor("FloatStorage", 0, 0) + tensor("LongStorage", 0, 0) +
                              tensor("BoolStorage", 0, 0) + "e",
                          {{"0", 0, ""}}));
  const Value back = load(path);
  ASSERT_EQ(back.as_list().size(), 3u);
  EXPECT_EQ(back.at_index(0).as_tensor().dtype(), DType::float32);
  EXPECT_EQ(back.at_index(1).as_tensor().dtype(), DType::int64);
  EXPECT_EQ(back.at_index(2).as_tensor().dtype(), DType::boolean);
  EXPECT_EQ(back.at_index(0).as_tensor().storage(), back.at_index(2).as_tensor().storage());
}

TEST(LegacyStorages, OfOneNumberOfBytesHaveSeveralDtypes) {
  const TempDir directory;
  const auto path = directory / "x.pt";
  const std::string bytes("\0\0\x80\x3f\0\0\0\x40", 8);
  const std::string value = "](" + tensor("FloatStorage", 2, 2) + tensor("LongStorage", 1, 1) +
                            tensor("ByteStorage", 8, 8);
  // The count is that of the class by which the storage was written, whichever it was.
  for (const std::uint64_t count : {2, 1, 8}) {
    write_file(path, legacy(value + "e", {{"0", count, bytes}}));
    const Value back = load(path);
    EXPECT_EQ(back.at_index(0).as_tensor().to_vector<float>(), (std::vector<float>{1, 2}));
    EXPECT_EQ(back.at_index(1).as_tensor().to_vector<std::int64_t>(),
              (std::vector<std::int64_t>{0x400000003f800000}));
    EXPECT_EQ(back.at_index(2).as_tensor().at<std::uint8_t>({7}), 0x40);
  }
  write_file(path, legacy(value + "e", {{"0", 4, bytes}}));
  EXPECT_THROW(static_cast<void>(load(path)), FormatError);
  for (const std::string& other : {tensor("LongStorage", 2, 1), tensor("ShortStorage", 3, 1)}) {
    write_file(path, legacy("](" + tensor("FloatStorage", 2, 2) + other + "e", {{"0", 2, bytes}}));
    testing::expect_throw_with<FormatError>([&] { static_cast<void>(load(path)); }, "two sizes");
  }
}

TEST(LegacyFile, IsOpenedWithoutItsStorages) {
  const TempDir directory;
  const auto path = directory / "x.pt";
  constexpr int kCount = 8 << 20;
  std::string bytes(std::size_t{4} * kCount, '\0');
  const float one = 1;
  std::memcpy(&bytes[40], &one, 4);
  write_file(path, legacy("](" + tensor("FloatStorage", kCount, kCount, 0, "cuda:0") +
                              tensor("FloatStorage", kCount, 3, 9, "cuda:0") +
                              tensor("FloatStorage", kCount, kCount, 0, "cpu", "1") + "e",
                          {{"1", kCount, bytes}, {"0", kCount, bytes}}) +
                       "behind");
  EXPECT_LT(testing::bytes_read_by([&] { static_cast<void>(LegacyFile(path)); }), 200'000u);
  const LegacyFile file(path);
  EXPECT_EQ(file.trailing_bytes(), 6u);
  const Tensor whole = file.tree().at_index(0).as_tensor();
  const Tensor part = file.tree().at_index(1).as_tensor();
  EXPECT_EQ(whole.device(), kMeta);
  EXPECT_EQ(whole.shape(), (Dims{kCount}));
  EXPECT_EQ(file.find(whole.storage().get())->location, "cuda:0");
  EXPECT_EQ(file.find(file.tree().at_index(2).as_tensor().storage().get())->location, "cpu");
  const Tensor read = file.tensor(whole);
  EXPECT_EQ(read.device(), kCpu);
  EXPECT_EQ(read.at<float>({10}), 1);
  const Tensor shared = file.tensor(part);
  EXPECT_EQ(shared.storage(), read.storage());
  EXPECT_EQ(shared.to_vector<float>(), (std::vector<float>{0, 1, 0}));
  EXPECT_THROW(static_cast<void>(file.tensor(Tensor::ones({2}))), ValueError);
}

}  // namespace
}  // namespace wick
