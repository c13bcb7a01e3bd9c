// SPDX-License-Identifier: MIT
#include "wick/serialize/checkpoint.h"

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "serialize/atomic_file.h"
#include "serialize/pickle_writer.h"
#include "serialize/zip_writer.h"
#include "tests/support.h"
#include "wick/core/error.h"

namespace wick {
namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Value round_trip(const Value& value) {
  const testing::TempDir directory;
  save(value, directory / "value.pt");
  return load(directory / "value.pt");
}

// Bytes that are no numbers to be careful with: NaNs with payloads, subnormals, anything.
Tensor any_bits(const Dims& shape, DType dtype) {
  Tensor tensor = Tensor::empty(shape, dtype);
  auto* const bytes = static_cast<unsigned char*>(tensor.raw());
  for (std::size_t i = 0; i < tensor.nbytes(); ++i) {
    bytes[i] = static_cast<unsigned char>(dtype == DType::boolean ? i % 2 : 255 - i * 73);
  }
  return tensor;
}

TEST(Checkpoint, EveryDtypeComesBackBitForBit) {
  for (int i = 0; i < kDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    const Tensor tensor = any_bits({3, 5}, dtype);
    const Value back = round_trip(tensor);
    EXPECT_EQ(back.as_tensor().dtype(), dtype);
    EXPECT_TRUE(bitwise_equal(back.as_tensor(), tensor)) << dtype;
  }
}

TEST(Checkpoint, LayoutsAndSharingSurvive) {
  const Tensor base = any_bits({4, 6}, DType::float32);
  const Value back = round_trip(Dict{{"base", base},
                                     {"t", base.transpose(0, 1)},
                                     {"slice", base.slice(1, 1, 6, 2)},
                                     {"row", base[2]},
                                     {"wide", base.as_strided({3, 6}, {0, 1}, 6)},
                                     {"again", base}});
  const auto tensor = [&back](const char* key) { return back.at(key).as_tensor(); };
  EXPECT_EQ(tensor("t").strides(), (Dims{1, 6}));
  EXPECT_EQ(tensor("slice").shape(), (Dims{4, 3}));
  EXPECT_EQ(tensor("slice").strides(), (Dims{6, 2}));
  EXPECT_EQ(tensor("slice").offset(), 1);
  EXPECT_EQ(tensor("row").offset(), 12);
  EXPECT_EQ(tensor("wide").strides(), (Dims{0, 1}));
  for (const char* const key : {"t", "slice", "row", "wide", "again"}) {
    EXPECT_EQ(tensor(key).storage(), tensor("base").storage()) << key;
  }
  EXPECT_TRUE(bitwise_equal(tensor("t"), base.transpose(0, 1)));
  EXPECT_TRUE(bitwise_equal(tensor("slice"), base.slice(1, 1, 6, 2)));
  EXPECT_EQ(tensor("base").storage()->bytes(), 96u);
}

TEST(Checkpoint, OddTensorsSurvive) {
  Tensor leaf = Tensor::ones({2});
  leaf.set_requires_grad(true);
  const Value shared = leaf;
  const Value value = List{{Tensor::empty({0}), Tensor::empty({3, 0, 2}), Tensor::scalar(1.5),
                            Tensor::zeros({1, 1, 1, 1, 1, 1, 1, 2}), shared, shared}};
  const Value back = round_trip(value);
  EXPECT_TRUE(back == value);
  EXPECT_EQ(back.at_index(1).as_tensor().shape(), (Dims{3, 0, 2}));
  EXPECT_TRUE(back.at_index(4).as_tensor().requires_grad());
  EXPECT_FALSE(back.at_index(2).as_tensor().requires_grad());
  EXPECT_EQ(back.at_index(4).identity(), back.at_index(5).identity());
}

TEST(Checkpoint, StateDictKeepsOrderAndMetadata) {
  const testing::TempDir directory;
  StateDict state;
  state.set("z.weight", any_bits({2, 3}, DType::float32));
  state.set("a.bias", any_bits({2}, DType::float32));
  state.set_metadata(std::make_shared<Dict>(Dict{{"", Dict{{"version", 1}}}}));
  save(state, directory / "state.pt");
  const StateDict back = StateDict::from_value(load(directory / "state.pt"));
  ASSERT_EQ(back.size(), 2u);
  EXPECT_EQ(back.begin()->first, "z.weight");
  EXPECT_TRUE(bitwise_equal(back.at("a.bias"), state.at("a.bias")));
  ASSERT_NE(back.metadata(), nullptr);
  EXPECT_EQ(back.metadata()->at("").at("version").as_int(), 1);
}

TEST(Checkpoint, SavingTwiceGivesTheSameBytes) {
  const testing::TempDir directory;
  const testing::TempDir other;
  const Value value = Dict{{"x", any_bits({3}, DType::float64)}, {"lr", 0.1}};
  save(value, directory / "m.pt");
  save(load(directory / "m.pt"), other / "m.pt");
  EXPECT_EQ(content(directory / "m.pt"), content(other / "m.pt"));
}

TEST(Checkpoint, ArchivesAreNamedAfterTheFile) {
  const testing::TempDir directory;
  const std::pair<const char*, const char*> names[] = {{"model_dnn_1.tar", "model_dnn_1/data.pkl"},
                                                       {"a.b.pt", "a.b/data.pkl"},
                                                       {"plain", "plain/data.pkl"},
                                                       {".pt", "archive/data.pkl"},
                                                       {"\xc3\xa9.pt", "archive/data.pkl"}};
  for (const auto& [file, record] : names) {
    save(1, directory / file);
    EXPECT_NE(content(directory / file).find(record), std::string::npos) << file;
    EXPECT_EQ(load(directory / file).as_int(), 1);
  }
}

TEST(Checkpoint, FullDiskKeepsTheGoodFile) {
  const testing::TempDir directory;
  const fs::path path = directory / "model.pt";
  save(Dict{{"epoch", 1}}, path);
  const std::string good = content(path);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit limit{1 << 20, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &limit);
  testing::expect_throw_with<IoError>([&] { save(Tensor::zeros({1 << 20}), path); },
                                      "write failed");
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(content(path), good);
  EXPECT_EQ(std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator()), 1);
}

TEST(Checkpoint, ValuesThatCannotBeSavedLeaveTheFileAlone) {
  const testing::TempDir directory;
  save(1, directory / "m.pt");
  EXPECT_THROW(save("\xff", directory / "m.pt"), ValueError);
  EXPECT_EQ(load(directory / "m.pt").as_int(), 1);
}

// -- What is no checkpoint ------------------------------------------------------------------------

TEST(Checkpoint, ForeignFilesAreRecognised) {
  using namespace std::string_literals;
  const testing::TempDir directory;
  const auto refuse = [&directory](const std::string& bytes, const char* message) {
    write_file_atomically(directory / "f.pt", bytes);
    testing::expect_throw_with<FormatError>([&] { static_cast<void>(load(directory / "f.pt")); },
                                            message);
    testing::expect_throw_with<FormatError>([&] { static_cast<void>(load(directory / "f.pt")); },
                                            "f.pt");
  };
  refuse("", "it is empty");
  refuse("\x80\x02\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19."s,
         "the protocol version, offset 15: not a pickle");
  refuse("\x80\x04N."s, "a bare pickle");
  refuse("\x1f\x8b\x08"s, "gzip");
  refuse("hello\n", "text");
  refuse("\x08\0\0\0\0\0\0\0{\"a\":{}}"s, "safetensors");
  refuse(std::string(257, '\0') + "ustar", "it is a tar archive; unpack it first");
  refuse("\x01\x02\x03"s, "it begins like none of the formats");
  refuse("PK\x03\x04"s, "truncated");
  refuse("PK\x05\x06"s + std::string(18, '\0'), "an empty ZIP archive");
}

TEST(Checkpoint, MissingFilesAreIoErrors) {
  testing::expect_throw_with<IoError>([] { static_cast<void>(load("/no/such/file.pt")); },
                                      "/no/such/file.pt");
  EXPECT_THROW(save(1, "/no/such/file.pt"), IoError);
}

// -- Archives made by hand ------------------------------------------------------------------------

// What save() writes for a tensor of 1, 2, 3, to be changed before it is written.
struct Parts {
  std::string pickle = pickle_value(Tensor::from<float>({1, 2, 3})).bytes;
  std::string data = std::string("\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40", 12);
  std::string byteorder = "little";
  std::string version = "3\n";

  void replace(std::string_view from, std::string_view to) {
    const std::size_t at = pickle.find(from);
    ASSERT_NE(at, std::string::npos);
    pickle.replace(at, from.size(), to);
  }
  void write(const fs::path& path) const {
    AtomicFile file(path);
    ZipWriter zip([&file](std::string_view bytes) { file.write(bytes); }, "m");
    zip.add("data.pkl", pickle);
    if (!byteorder.empty()) zip.add("byteorder", byteorder);
    if (!data.empty()) zip.add("data/0", data);
    if (!version.empty()) zip.add("version", version);
    zip.finish();
    file.commit();
  }
  [[nodiscard]] Value load_it(const MapLocation& map_location = {}) const {
    const testing::TempDir directory;
    write(directory / "m.pt");
    return load(directory / "m.pt", map_location);
  }
};

TEST(Checkpoint, PartsMakeAFile) {
  EXPECT_EQ(Parts().load_it().as_tensor().to_vector<float>(), (std::vector<float>{1, 2, 3}));
  Parts old;
  old.byteorder = "";  // before PyTorch 2.1
  EXPECT_EQ(old.load_it().as_tensor().to_vector<float>(), (std::vector<float>{1, 2, 3}));
}

TEST(Checkpoint, BigEndianNumbersAreTurnedRound) {
  Parts parts;
  parts.byteorder = "big";
  parts.data = std::string("\x3f\x80\0\0\x40\0\0\0\x40\x40\0\0", 12);
  EXPECT_EQ(parts.load_it().as_tensor().to_vector<float>(), (std::vector<float>{1, 2, 3}));
  parts.byteorder = "middle";
  testing::expect_throw_with<FormatError>([&] { static_cast<void>(parts.load_it()); },
                                          "byte order is neither");
}

TEST(Checkpoint, MissingAndWrongRecordsAreNamed) {
  const auto refuse = [](const Parts& parts, const char* message) {
    testing::expect_throw_with<FormatError>([&] { static_cast<void>(parts.load_it()); }, message);
  };
  Parts parts;
  parts.data.pop_back();
  refuse(parts, "m/data/0\", offset 342: 11 bytes are not the 3 elements of float32");
  parts.data += "zz";
  EXPECT_TRUE(parts.load_it().as_tensor().defined());  // PyTorch rounds down as well
  parts.data = "";
  refuse(parts, "record \"m/data/0\", which is not there");
  parts = Parts();
  parts.version = "";
  refuse(parts, "\"m/version\"");
  parts.version = "11\n";
  refuse(parts, "none of 1 to 10");
  parts.version = "three";
  refuse(parts, "none of 1 to 10");
}

TEST(Checkpoint, TensorsOutsideTheirStorageAreNamed) {
  Parts parts;
  parts.pickle = pickle_value(Dict{{"0.weight", Tensor::from<float>({1, 2, 3})}}).bytes;
  // storage offset, shape (3,)
  parts.replace(std::string_view("QK\0K\x03\x85", 6), std::string_view("QK\0K\x04\x85", 6));
  testing::expect_throw_with<FormatError>(
      [&] { static_cast<void>(parts.load_it()); },
      "\"0.weight\": a tensor over record data/0: Tensor: shape [4]");
  testing::expect_throw_with<FormatError>([&] { static_cast<void>(parts.load_it()); },
                                          "record \"m/data.pkl\", offset ");
}

// -- Devices --------------------------------------------------------------------------------------

constexpr std::string_view kCpuText("X\x03\0\0\0cpu", 8);

TEST(Checkpoint, DevicesThatAreNotThereAskForMapLocation) {
  for (const std::string_view location :
       {std::string_view("X\x07\0\0\0cuda:99", 12), std::string_view("X\x05\0\0\0mps:0", 10)}) {
    Parts parts;
    parts.replace(kCpuText, location);
    testing::expect_throw_with<DeviceError>([&] { static_cast<void>(parts.load_it()); },
                                            "pass map_location");
    testing::expect_throw_with<DeviceError>([&] { static_cast<void>(parts.load_it()); },
                                            std::string(location.substr(5)));
    const Value back = parts.load_it(kCpu);
    EXPECT_EQ(back.as_tensor().device(), kCpu);
    EXPECT_EQ(back.as_tensor().to_vector<float>(), (std::vector<float>{1, 2, 3}));
  }
}

TEST(Checkpoint, MapLocationMustExist) {
  EXPECT_THROW(static_cast<void>(Parts().load_it(Device{DeviceType::cuda, 99})), DeviceError);
}

// -- Damage ---------------------------------------------------------------------------------------

// A small archive with two tensors over one storage, and what it holds.
Value small_value() {
  const Tensor base = Tensor::from<float>({1, 2, 3, 4}, {2, 2});
  return Dict{
      {"w", base}, {"t", base.transpose(0, 1)}, {"lr", 0.5}, {"u", any_bits({2}, DType::uint16)}};
}

// Behind it they are none: zip_end_test.cpp.
TEST(Checkpoint, BytesInFrontAreAnError) {
  const testing::TempDir directory;
  const fs::path path = directory / "m.pt";
  save(Dict{{"x", Tensor::arange(100)}}, path);
  const std::string good = content(path);
  for (const std::size_t count : {1, 4, 63, 64, 70'000}) {
    for (const char filling : {'\0', 'P'}) {
      write_file_atomically(path, std::string(count, filling) + good);
      EXPECT_THROW(static_cast<void>(load(path)), FormatError) << count;
    }
  }
}

// A key is a record's name and nothing else: no file beside the archive is ever looked at.
TEST(Checkpoint, KeysThatLookLikePathsAreNames) {
  const testing::TempDir directory;
  write_file_atomically(directory / "secret", "0123456789ab");
  const std::string outside = (directory / "secret").string();
  for (const std::string& key : {std::string("../secret"), std::string("../../secret"), outside}) {
    Parts parts;
    const std::string size(1, static_cast<char>(key.size()));
    parts.replace(std::string_view("X\x01\0\0\0000", 6), "X" + size + std::string(3, '\0') + key);
    testing::expect_throw_with<FormatError>([&] { static_cast<void>(parts.load_it()); },
                                            "which is not there");
  }
}

TEST(Checkpoint, TruncationAtEveryByteIsAnError) {
  const testing::TempDir directory;
  const fs::path path = directory / "m.pt";
  save(small_value(), path);
  for (std::uintmax_t size = fs::file_size(path); size-- > 0;) {
    fs::resize_file(path, size);
    EXPECT_THROW(static_cast<void>(load(path)), FormatError) << size;
  }
}

TEST(Checkpoint, EveryFlippedBitIsAnErrorOrHarmless) {
  const testing::TempDir directory;
  const fs::path path = directory / "m.pt";
  const Value value = small_value();
  save(value, path);
  const std::string good = content(path);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto put = [&file](std::size_t at, char byte) {
    file.seekp(static_cast<std::streamoff>(at));
    file.put(byte);
    file.flush();
  };
  int refused = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      put(at, static_cast<char>(good[at] ^ (1 << bit)));
      try {
        const Value back = load(path);
        ASSERT_TRUE(back == value) << "byte " << at << ", bit " << bit;
        ASSERT_EQ(back.at("t").as_tensor().strides(), value.at("t").as_tensor().strides());
        ASSERT_EQ(back.at("t").as_tensor().storage(), back.at("w").as_tensor().storage());
      } catch (const Error&) {
        ++refused;
      }
    }
    put(at, good[at]);
  }
  EXPECT_GT(refused, 8 * 500);  // the pickle and the data alone
  EXPECT_TRUE(load(path) == value);
}

}  // namespace
}  // namespace wick
