// SPDX-License-Identifier: MIT
// The program ckpt on files that are unusual: without checksums, with stale ones, deep, or large.
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serialize/byte_writer.h"
#include "serialize/input_file.h"
#include "serialize/zip_reader.h"
#include "serialize/zip_writer.h"
#include "tests/cpu_time.h"
#include "tests/support.h"
#include "tests/tools/process.h"
#include "tools/cli/ckpt_source.h"
#include "tools/cli/ckpt_statistics.h"
#include "wick/core/value.h"
#include "wick/serialize/any_file.h"
#include "wick/serialize/checkpoint.h"
#include "wick/serialize/npy.h"
#include "wick/serialize/safetensors.h"

namespace wick::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class CkptFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    save(Dict{{"w", Tensor::ones({3})}, {"n", 1}}, dir_ / "good.pt");
    good_ = content(dir_ / "good.pt");
  }
  // Arguments that begin with '@' are files in the folder.
  [[nodiscard]] ProcessResult ckpt(std::vector<std::string> arguments) const {
    for (std::string& argument : arguments) {
      if (argument.starts_with('@')) argument = (dir_ / argument.substr(1)).string();
    }
    return run("ckpt", arguments, dir_.path());
  }
  std::string good(const std::vector<std::string>& arguments) const {
    const ProcessResult result = ckpt(arguments);
    EXPECT_EQ(result.status, 0) << result.err;
    return result.out;
  }
  void expect_refused(const std::vector<std::string>& arguments, const std::string& text) const {
    const ProcessResult result = ckpt(arguments);
    EXPECT_EQ(result.status, 1) << result.err;
    EXPECT_THAT(result.err, HasSubstr(text));
    EXPECT_EQ(result.out, "");
  }

  TempDir dir_;
  std::string good_;
};

// As torch.serialization.set_crc32_options(False) writes them; `only` the record of that name.
std::string without_crc(std::string bytes, const std::string& only = {}) {
  for (std::size_t at = bytes.find("PK\x01\x02"); at != std::string::npos;
       at = bytes.find("PK\x01\x02", at + 1)) {
    std::uint16_t name_bytes = 0;
    std::memcpy(&name_bytes, &bytes[at + 28], 2);
    if (only.empty() || bytes.substr(at + 46, name_bytes) == only) {
      bytes.replace(at + 16, 4, 4, '\0');
    }
  }
  return bytes;
}

TEST_F(CkptFiles, VerifyCountsRecordsWithoutChecksums) {
  write_file(dir_ / "none.pt", without_crc(good_));
  EXPECT_THAT(good({"verify", "@none.pt"}), HasSubstr("no CRC-32 in 7 records"));
  write_file(dir_ / "some.pt", without_crc(good_, "good/data/0"));
  EXPECT_THAT(good({"verify", "@some.pt"}),
              HasSubstr("every CRC-32 of 6 records agrees; 1 record without CRC-32"));
  EXPECT_THAT(good({"verify", "@good.pt"}), HasSubstr("every CRC-32 of 7 records agrees)"));
}

TEST_F(CkptFiles, StaleChecksumsAreNamedAndPassedOver) {
  std::string stale = good_;
  const InputFile file(dir_ / "good.pt");
  const ZipReader zip(file);
  const auto place = static_cast<std::size_t>(zip.data_offset(*zip.find("good/data/0")));
  stale[place + 3] = 0x40;  // 1 becomes 4
  write_file(dir_ / "stale.pt", stale);
  expect_refused({"verify", "@stale.pt"}, "convert then writes the right CRC-32");
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"show", "@stale.pt", "w"},
                                             {"diff", "@stale.pt", "@good.pt"},
                                             {"convert", "@stale.pt", "@out.pt"},
                                             {"convert", "@stale.pt", "@out.safetensors"},
                                             {"extract", "@stale.pt", "w", "@out.npy"}}) {
    expect_refused(arguments, "changed in place, as through torch.load(mmap=True) with MAP_SHARED");
    expect_refused(arguments, "; --no-verify reads on");
    const bool writes = arguments.back().starts_with("@out");
    EXPECT_FALSE(writes && std::filesystem::exists(dir_ / arguments.back().substr(1)));
    if (arguments[0] == "diff") continue;
    auto reading = arguments;
    reading.emplace_back("--no-verify");
    good(reading);
  }
  EXPECT_EQ(ckpt({"diff", "--no-verify", "@stale.pt", "@good.pt"}).status, 1);
  // What was written has the right ones.
  EXPECT_THAT(good({"verify", "@out.pt"}), HasSubstr("every CRC-32 of 7 records agrees)"));
  EXPECT_EQ(load(dir_ / "out.pt").at("w").as_tensor().at<float>({0}), 4);
}

TEST_F(CkptFiles, BytesBehindTheContentAreCounted) {
  write_file(dir_ / "more.pt", good_ + std::string(100, '\0'));
  EXPECT_THAT(good({"verify", "@more.pt"}), HasSubstr("100 bytes follow its content"));
  EXPECT_THAT(good({"ls", "@more.pt"}), HasSubstr("the last 100 bytes behind its content"));
  EXPECT_THAT(good({"ls", "@good.pt"}), Not(HasSubstr("behind its content")));
}

TEST_F(CkptFiles, BytesBehindArraysAreCounted) {
  save_npy(Tensor::ones({3}), dir_ / "a.npy");
  const std::string array = content(dir_ / "a.npy");
  write_file(dir_ / "two.npy", array + array);
  const std::string count = std::to_string(array.size()) + " bytes";
  EXPECT_THAT(good({"verify", "@two.npy"}), HasSubstr(count + " follow its content"));
  EXPECT_THAT(good({"ls", "@two.npy"}), HasSubstr("the last " + count + " behind its content"));
  good({"diff", "@two.npy", "@a.npy"});
  std::string archive;
  ZipWriter zip([&archive](std::string_view piece) { archive.append(piece); }, "");
  zip.add("a.npy", array + array);
  zip.add("notes", "hello");
  zip.finish();
  write_file(dir_ / "two.npz", archive);
  const std::string verified = good({"verify", "@two.npz"});
  EXPECT_THAT(verified, HasSubstr("CRC-32 of 2 records agrees"));
  EXPECT_THAT(verified, HasSubstr("1 record is longer than the array in it, as a.npy"));
  EXPECT_THAT(verified, HasSubstr("\"notes\" (bytes)"));
  good({"extract", "@two.npz", "a", "@again.npy"});
  EXPECT_EQ(content(dir_ / "again.npy"), array);
}

// bitsandbytes has names such as these; numpy.load(x)["a"] is one array, whatever others are
// called.
TEST_F(CkptFiles, ExtractTakesTheTensorThatIsCalledSo) {
  StateDict state;
  state.set("weight", Tensor::full({2}, 1));
  state.set("weight.absmax", Tensor::full({3}, 2));
  save_safetensors(state, dir_ / "x.safetensors");
  save(state.to_value(), dir_ / "x.pt");
  save_npz(state, dir_ / "x.npz");
  for (const char* const file : {"@x.safetensors", "@x.pt", "@x.npz"}) {
    SCOPED_TRACE(file);
    good({"extract", file, "weight", "@out.npy"});
    EXPECT_TRUE(bitwise_equal(load_npy(dir_ / "out.npy"), *state.find("weight")));
    good({"extract", file, "weight.absmax", "@out.npy"});
    EXPECT_TRUE(bitwise_equal(load_npy(dir_ / "out.npy"), *state.find("weight.absmax")));
  }
}

TEST_F(CkptFiles, DeepTreesAreNoProblem) {
  Value value = Tensor::ones({2});
  for (int i = 0; i < 20'000; ++i) value = List{{std::move(value)}};
  save(List{{std::move(value), 1}}, dir_ / "deep.pt");
  EXPECT_THAT(good({"ls", "@deep.pt"}), HasSubstr("1 tensor"));
  EXPECT_THAT(good({"show", "@deep.pt"}), HasSubstr("list, 100 levels deep"));
  good({"verify", "@deep.pt"});
  good({"convert", "@deep.pt", "@half.pt", "--dtype", "float16"});
  good({"convert", "@deep.pt", "@again.pt"});
  good({"diff", "@deep.pt", "@again.pt"});
  EXPECT_EQ(load(dir_ / "half.pt").at_index(0).as_list().size(), 1u);
  Value key = 1;
  for (int i = 0; i < 20'000; ++i) key = Tuple{{std::move(key)}};
  save(Dict{{key, 1}}, dir_ / "key.pt");
  EXPECT_THAT(good({"show", "@key.pt"}), HasSubstr("(...)"));
}

TEST_F(CkptFiles, OneLongNameDoesNotWidenAllRows) {
  StateDict state;
  for (int i = 0; i < 2000; ++i) state.set(std::to_string(i), Tensor::ones({1}));
  state.set(std::string(100'000, 'n'), Tensor::ones({1}));
  save(state, dir_ / "names.pt");
  EXPECT_LT(good({"ls", "@names.pt"}).size(), 2'000'000u);
}

// Eight times as many tensors in an index take about eight times as long.
TEST_F(CkptFiles, AnIndexOfShardsIsListedInLinearTime) {
  const auto list = [&](std::size_t count) {
    std::string header = "{";
    std::string index = R"({"weight_map":{)";
    for (std::size_t i = 0; i < count; ++i) {
      const std::string name = "\"layer." + std::to_string(i) + ".weight\"";
      header += (i == 0 ? "" : ",") + name + R"(:{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
      index += (i == 0 ? "" : ",") + name + R"(:"shard.safetensors")";
    }
    ByteWriter shard;
    shard.write(static_cast<std::uint64_t>(header.size() + 1));
    shard.bytes(header + "}");
    write_file(dir_ / "shard.safetensors", shard.str());
    write_file(dir_ / "x.index.json", index + "}}");
    EXPECT_EQ(tools::open_source(dir_ / "x.index.json").tensors.size(), count);
  };
  expect_linear(list, 5'000);
}

TEST_F(CkptFiles, MetadataAreListedInLinearTime) {
  TextMetadata metadata;
  for (int i = 0; i < 60'000; ++i) metadata.emplace_back("key " + std::to_string(i), "text");
  save_safetensors({}, dir_ / "m.safetensors", metadata);
  const auto start = std::chrono::steady_clock::now();
  good({"ls", "--json", "@m.safetensors"});
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_LT(took.count(), 10);
}

// A quarter of a billion elements over one: what is looked at is the one.
TEST_F(CkptFiles, RepeatedElementsCostNothing) {
  const Tensor one = Tensor::full({1}, 3.0);
  const Tensor wide = one.as_strided({1 << 14, 1 << 14}, {0, 0}, 0);
  save(Dict{{"w", wide}}, dir_ / "wide.pt");
  EXPECT_LT(std::filesystem::file_size(dir_ / "wide.pt"), 4000u);
  const auto start = std::chrono::steady_clock::now();
  const std::string shown = good({"show", "@wide.pt", "w"});
  EXPECT_THAT(shown, HasSubstr("268,435,456 elements"));
  EXPECT_THAT(shown, HasSubstr("3, 3, 3, 3, 3, 3, ..."));
  good({"convert", "@wide.pt", "@copy.pt"});
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_LT(took.count(), 5);
}

TEST(RepeatedElements, CountAsOftenAsTheyOccur) {
  const Tensor values = Tensor::from({1.0F, 2.0F, 0.0F, -1.0F}).view({4, 1});
  const Tensor wide = values.as_strided({4, 5}, {1, 0}, 0);
  const auto once = tools::statistics_of(wide.contiguous());
  const auto repeated = tools::statistics_of(wide);
  EXPECT_EQ(repeated.count, 20);
  EXPECT_EQ(repeated.finite, once.finite);
  EXPECT_EQ(repeated.zeros, once.zeros);
  EXPECT_EQ(repeated.histogram, once.histogram);
  EXPECT_DOUBLE_EQ(repeated.mean, once.mean);
  EXPECT_DOUBLE_EQ(repeated.deviation, once.deviation);
  const Tensor many = Tensor::scalar(1.0F).as_strided(Dims(28, 2), Dims(28, 0), 0);
  EXPECT_EQ(tools::first_elements(many, 6), (std::vector<std::string>(6, "1")));
}

}  // namespace
}  // namespace wick::testing
