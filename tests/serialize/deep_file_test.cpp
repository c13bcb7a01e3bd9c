// SPDX-License-Identifier: MIT
// Files that are nested deep, name much with little, or choose names that collide: work and memory
// stay in proportion to the file.
#include <cstdint>
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "serialize/pickle_reader.h"
#include "serialize/pickle_writer.h"
#include "serialize/zip_reader.h"
#include "tests/cpu_time.h"
#include "tests/serialize/archive_builder.h"
#include "tests/small_stack.h"
#include "tests/support.h"
#include "wick/core/containers.h"
#include "wick/core/error.h"
#include "wick/serialize/checkpoint.h"
#include "wick/serialize/checkpoint_file.h"
#include "wick/serialize/safetensors.h"
#include "wick/serialize/sharded.h"

namespace wick {
namespace {

using namespace std::string_literals;
using testing::expect_throw_with;
using testing::on_small_stack;
using testing::TempDir;
using testing::write_file;

std::string repeat(const std::string& text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

Value unpickle(const std::string& body) {
  return unpickle_value("\x80\x02"s + body + ".", "p",
                        [](const StorageId&, DType) -> std::shared_ptr<Storage> {
                          throw FormatError("no storages");
                        });
}

// As torch.load(weights_only=True) reads it; PyTorch's own torch.save gives up at some hundred.
TEST(DeepFile, IsReadAndWrittenOnASmallStack) {
  constexpr std::size_t kDepth = 100'000;
  const std::string pickles[] = {
      repeat("]", kDepth) + repeat("a", kDepth - 1),         // lists
      ")"s + repeat("\x85", kDepth),                         // tuples
      repeat("}K\x01", kDepth) + "N" + repeat("s", kDepth),  // dicts
      repeat("ccollections\nOrderedDict\n)RK\x01", 20'000) + "N" + repeat("s", 20'000),
      repeat("]K\x01K\x02\x86", kDepth / 2) + repeat("\x86", kDepth / 2 - 1),  // in each other
  };
  for (const std::string& pickle : pickles) {
    on_small_stack([&] {
      const Value value = unpickle(pickle);
      const Pickled written = pickle_value(value);
      const Value again = unpickle_value(
          written.bytes, "p",
          [](const StorageId&, DType) -> std::shared_ptr<Storage> { return nullptr; });
      EXPECT_TRUE(value == again);
    });
  }
}

TEST(DeepFile, IsSavedAndOpenedOnASmallStack) {
  const TempDir directory;
  on_small_stack([&] {
    Value value = Tensor::ones({2});
    for (int i = 0; i < 20'000; ++i) value = List{{std::move(value)}};
    save(value, directory / "deep.pt");
    EXPECT_TRUE(load(directory / "deep.pt") == value);
    const CheckpointFile file = CheckpointFile::open(directory / "deep.pt");
    ASSERT_EQ(file.tensors().size(), 1u);
    EXPECT_EQ(file.tensors()[0].name.size(), 39'999u);  // "0.0.0. ... .0"
    EXPECT_TRUE(file.value() == value);
  });
}

// Each is a key of the next one, which counts as the work that comparing it would be: so the size
// of the pickle bounds the depth, not the stack.
TEST(DeepFile, SetsInEachOtherAreRead) {
  // frozenset([frozenset([... 1 ...])]) by the opcode of protocol 4.
  const std::string pickle = repeat("(", 8'000) + "K\x01" + repeat("\x91", 8'000);
  on_small_stack([&] { EXPECT_TRUE(unpickle(pickle) == unpickle(pickle)); });
}

// -- Names that a little of the file makes long ---------------------------------------------------

std::string short_text(const std::string& text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  std::string bytes = "X";
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(size >> shift & 0xFF);
  return bytes + text;
}

// {key: [t, t, ... t]}, one tensor `count` times.
std::string amplified(std::size_t key_bytes, std::size_t count) {
  const std::string tensor =
      "ctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU\x01"
      "0U\x03"
      "cpuK\x01tQK\0K\x01\x85K\x01\x85\x89}tR"s;
  return "}"s + short_text(std::string(key_bytes, 'k')) + "](" + tensor + "q\x01" +
         repeat("h\x01", count - 1) + "es";
}

TEST(Names, LongKeysOverManyTensorsAreRefusedBeforeTheyAreMade) {
  const TempDir directory;
  write_file(directory / "a.pt",
             testing::checkpoint_of(amplified(200'000, 30'000), std::string(4, '\0')));
  expect_throw_with<FormatError>(
      [&] { static_cast<void>(CheckpointFile::open(directory / "a.pt")); },
      "out of all proportion");
  // Nobody asks load() for names.
  const HeldValue value(load(directory / "a.pt"));
  EXPECT_EQ(value.get().as_dict().begin()->second.as_list().size(), 30'000u);
  // What checkpoints have is far below the limit.
  write_file(directory / "b.pt",
             testing::checkpoint_of(amplified(500, 10'000), std::string(4, '\0')));
  EXPECT_EQ(CheckpointFile::open(directory / "b.pt").tensors().size(), 10'000u);
}

// -- Names that collide under a known hash --------------------------------------------------------

// Texts of 16 ASCII characters that std::hash of libstdc++ gives one value (see
// deep_value_test.cpp).
std::vector<std::string> colliding_names(std::size_t count) {
  constexpr std::uint64_t kMul = 0xc6a4a7935bd1e995U;
  std::uint64_t inverse = kMul;
  for (int i = 0; i < 6; ++i) inverse *= 2 - kMul * inverse;
  std::vector<std::string> names;
  for (std::uint64_t number = 0; names.size() < count; ++number) {
    std::uint64_t first = 0;
    for (int i = 0; i < 8; ++i) {
      first |= (std::uint64_t{'a'} + (number >> (4 * i) & 15)) << (8 * i);
    }
    std::uint64_t word = first * kMul;
    word = (word ^ word >> 47) * kMul;
    word = ((0xc70f6907U ^ (16 * kMul)) ^ word) * kMul;
    word *= inverse;
    word = (word ^ word >> 47) * inverse;
    std::string name;
    bool good = true;
    for (const std::uint64_t part : {first, word}) {
      for (int i = 0; i < 8; ++i) {
        const auto byte = static_cast<unsigned char>(part >> (8 * i));
        good = good && byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\' && byte != '/';
        name.push_back(static_cast<char>(byte));
      }
    }
    if (good) names.push_back(std::move(name));
  }
  return names;
}

#ifdef __GLIBCXX__
// Each kind of file with 4,000 and with 32,000 names.
TEST(Names, ThatCollideUnderAKnownHashCostNoMore) {
  const std::vector<std::string> names = colliding_names(32'000);
  ASSERT_EQ(std::hash<std::string>{}(names[0]), std::hash<std::string>{}(names[31'999]));
  const TempDir directory;
  const auto path = directory / "file";
  const auto safetensors = [&](std::size_t count) {
    std::string json = "{";
    for (std::size_t i = 0; i < count; ++i) {
      json += (i == 0 ? "\"" : ",\"") + names[i] +
              R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
    }
    json += "}";
    ByteWriter file;
    file.write(static_cast<std::uint64_t>(json.size()));
    file.bytes(json);
    write_file(path, file.str());
    EXPECT_EQ(load_safetensors(path).size(), count);
  };
  const auto zip = [&](std::size_t count) {
    testing::ArchiveBuilder archive;
    for (std::size_t i = 0; i < count; ++i) archive.add(names[i], "");
    write_file(path, archive.finish());
    const InputFile file(path);
    EXPECT_NE(ZipReader(file).find(names[count - 1]), nullptr);
  };
  const auto index = [&](std::size_t count) {
    std::string json = R"({"weight_map":{)";
    for (std::size_t i = 0; i < count; ++i) {
      json += (i == 0 ? "\"" : ",\"") + names[i] + R"(":"shard)" + std::to_string(i) + '"';
    }
    write_file(path, json + "}}");
    EXPECT_EQ(read_shard_index(path).shards().size(), count);
  };
  const auto dict = [&](std::size_t count) {
    std::string pickle = "}(";
    for (std::size_t i = 0; i < count; ++i) pickle += short_text(names[i]) + "N";
    EXPECT_EQ(unpickle(pickle + "u").as_dict().size(), count);
  };
  const std::pair<const char*, std::function<void(std::size_t)>> kinds[] = {
      {"safetensors", safetensors}, {"zip", zip}, {"index", index}, {"dict", dict}};
  for (const auto& [kind, read] : kinds) {
    SCOPED_TRACE(kind);
    testing::expect_linear(read, 4'000);
  }
}
#endif

TEST(Names, NaNKeysCostNoMore) {
  const auto read = [](std::size_t count) {
    const std::string nan = "G\x7f\xf8"s + std::string(6, '\0') + "N";
    EXPECT_EQ(unpickle("}("s + repeat(nan, count) + "u").as_dict().size(), count);
  };
  testing::expect_linear(read, 20'000);
}

// -- Records that claim to be large ---------------------------------------------------------------

TEST(Bombs, SmallRecordsAreNotUnpackedWhenTheyAreLarge) {
  const TempDir directory;
  const auto refuse = [&](const char* record, const char* message) {
    testing::ArchiveBuilder archive;
    const std::string large(100 << 20, '1');
    for (const std::string name : {"x/data.pkl", "x/byteorder", "x/version"}) {
      const std::string small = name == "x/data.pkl"    ? std::string("\x80\x02N.")
                                : name == "x/byteorder" ? "little"
                                                        : "3\n";
      archive.add(name, name == record ? large : small, name == record);
    }
    write_file(directory / "bomb.pt", archive.finish());
    expect_throw_with<FormatError>([&] { static_cast<void>(load(directory / "bomb.pt")); },
                                   message);
  };
  refuse("x/version", "a word of at most 64");
  refuse("x/byteorder", "a word of at most 64");
  refuse("x/data.pkl", "at most 64 times as many are read");
}

}  // namespace
}  // namespace wick
