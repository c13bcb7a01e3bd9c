// SPDX-License-Identifier: MIT
// The program ckpt as its users run it.
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support.h"
#include "tests/tools/process.h"
#include "tools/cli/ckpt_text.h"
#include "wick/core/value.h"
#include "wick/serialize/any_file.h"
#include "wick/serialize/checkpoint.h"
#include "wick/serialize/npy.h"
#include "wick/serialize/safetensors.h"

namespace wick::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class Ckpt : public ::testing::Test {
 protected:
  void SetUp() override {
    StateDict model;
    model.set("fc1.weight", Tensor::arange(6, DType::float32).view({2, 3}));
    model.set("fc1.bias", Tensor::from({0.5F, -0.5F}));
    model.set("steps", Tensor::scalar(std::int64_t{7}));
    save(Dict{{"epoch", 3}, {"model", model.to_value()}, {"note", "a\x1b[31m\n"}},
         dir_ / "model.pt");
    save_safetensors(model, dir_ / "m.safetensors", {{"format", "pt"}});
    model_ = model;
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (dir_ / name).string(); }
  // Arguments that begin with '@' are files in the folder.
  [[nodiscard]] ProcessResult ckpt(std::vector<std::string> arguments) const {
    for (std::string& argument : arguments) {
      if (argument.starts_with('@')) argument = at(argument.substr(1));
    }
    return run("ckpt", arguments, dir_.path());
  }
  std::string good(const std::vector<std::string>& arguments, const std::string& note = "") const {
    const ProcessResult result = ckpt(arguments);
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_THAT(result.err, HasSubstr(note));
    EXPECT_EQ(result.err.empty(), note.empty()) << result.err;
    return result.out;
  }
  // One line on stderr, nothing on stdout.
  void expect_refused(const std::vector<std::string>& arguments, int status,
                      const std::string& text) const {
    const ProcessResult result = ckpt(arguments);
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_THAT(result.err, HasSubstr(text));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_EQ(result.out, "");
  }
  [[nodiscard]] StateDict state(const std::string& file) const {
    return StateDict::from_value(load_any(dir_ / file));
  }

  TempDir dir_;
  StateDict model_;
};

TEST_F(Ckpt, LsPrintsAnAlignedTable) {
  EXPECT_EQ(good({"ls", "@m.safetensors"}),
            "NAME        DTYPE    SHAPE   DEVICE  SIZE\n"
            "steps       int64    []      cpu      8 B\n"
            "fc1.bias    float32  [2]     cpu      8 B\n"
            "fc1.weight  float32  [2, 3]  cpu     24 B\n"
            "\n"
            "3 tensors, 9 elements, 40 B; safetensors, " +
                tools::format_bytes(std::filesystem::file_size(dir_ / "m.safetensors")) +
                "\nmetadata format: \"pt\"\n");
  EXPECT_THAT(good({"ls", "@model.pt"}), HasSubstr("model.fc1.weight  float32  [2, 3]  cpu"));
}

TEST_F(Ckpt, LsAsJson) {
  const auto json = nlohmann::json::parse(good({"ls", "--json", "@model.pt"}));
  EXPECT_EQ(json.at("format"), "PyTorch");
  ASSERT_EQ(json.at("tensors").size(), 3u);
  const auto& weight = json.at("tensors").at(0);
  EXPECT_EQ(weight.at("name"), "model.fc1.weight");
  EXPECT_EQ(weight.at("dtype"), "float32");
  EXPECT_EQ(weight.at("shape"), (std::vector<int>{2, 3}));
  EXPECT_EQ(weight.at("strides"), (std::vector<int>{3, 1}));
  EXPECT_EQ(weight.at("bytes"), 24);
  EXPECT_EQ(json.at("total").at("elements"), 9);
  const auto other = nlohmann::json::parse(good({"ls", "--json", "@m.safetensors"}));
  EXPECT_EQ(other.at("metadata").at("format"), "pt");
}

TEST_F(Ckpt, LsCountsSharedMemoryOnce) {
  const Tensor base = Tensor::zeros({256});
  save(Dict{{"a", base}, {"b", base.view({16, 16})}, {"c", base.slice(0, 0, 4)}}, dir_ / "s.pt");
  EXPECT_THAT(good({"ls", "@s.pt"}), HasSubstr("2.02 KiB (1.00 KiB stored: some share"));
}

TEST_F(Ckpt, ShowPrintsTheTree) {
  EXPECT_EQ(good({"show", "@model.pt"}),
            "dict of 3\n"
            "├─ epoch: 3\n"
            "├─ model: OrderedDict of 3\n"
            "│  ├─ fc1.weight: float32 [2, 3]\n"
            "│  ├─ fc1.bias: float32 [2]\n"
            "│  └─ steps: int64 []\n"
            "└─ note: \"a\\x1b[31m\\n\"\n");
  EXPECT_EQ(good({"show", "@model.pt", "epoch"}), "3\n");
  EXPECT_THAT(good({"show", "@model.pt", "--items", "1"}), HasSubstr("└─ ... 2 more"));
}

TEST_F(Ckpt, ShowEndsOnAValueThatHoldsItself) {
  const auto list = std::make_shared<List>();
  list->items = {Value(1), Value(list), Value(Tensor::zeros({2}))};
  save(Value(list), dir_ / "loop.pt");
  list->items.clear();  // so that it is freed
  EXPECT_THAT(good({"show", "@loop.pt"}), HasSubstr("the same as above"));
  EXPECT_THAT(good({"ls", "@loop.pt"}), HasSubstr("1 tensor,"));
  EXPECT_THAT(good({"verify", "@loop.pt"}), HasSubstr("loop.pt"));
  good({"convert", "@loop.pt", "@copy.pt"});
  EXPECT_THAT(good({"show", "@copy.pt"}), HasSubstr("the same as above"));
  good({"diff", "@loop.pt", "@copy.pt"});
}

TEST_F(Ckpt, ShowPrintsStatisticsAndAHistogram) {
  const std::string out = good({"show", "@model.pt", "model.fc1.weight"});
  for (const char* const line :
       {"dtype      float32\n", "shape      [2, 3]\n", "elements   0, 1, 2, 3, 4, 5\n",
        "min        0\n", "max        5\n", "mean       2.5\n", "deviation  1.87083\n",
        "zeros      1\n", "NaN        0\n", "█"}) {
    EXPECT_THAT(out, HasSubstr(line));
  }
  EXPECT_THAT(out, Not(HasSubstr("\x1b")));  // no colours in a pipe
  EXPECT_THAT(good({"show", "@m.safetensors", "fc1.weight"}), HasSubstr("mean       2.5\n"));
}

TEST_F(Ckpt, DiffOfTheSame) {
  EXPECT_EQ(good({"diff", "@model.pt", "@model.pt"}),
            "the same: 3 equal tensors, and all other values\n");
}

TEST_F(Ckpt, DiffNamesEveryDifference) {
  StateDict other;
  other.set("fc1.weight", Tensor::from({0.F, 1.F, 2.F, 3.F, 4.F, 7.F}, {2, 3}));
  other.set("fc1.bias", Tensor::from({0.5, -0.5}));
  other.set("steps", Tensor::from<std::int64_t>({7}, {1}));
  other.set("new", Tensor::zeros({1}));
  save(Dict{{"epoch", 4}, {"model", other.to_value()}, {"note", "a\x1b[31m\n"}}, dir_ / "o.pt");
  const ProcessResult result = ckpt({"diff", "@model.pt", "@o.pt"});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.out,
            "TENSOR            DIFFERENCE                             MAX ABS   MAX REL\n"
            "model.fc1.weight  1 of 6 elements                              2  0.285714\n"
            "model.fc1.bias    dtype float32 / float64, equal values\n"
            "model.steps       shape [] / [1]\n"
            "model.new         only in the second\n"
            "\n"
            "VALUE  FIRST  SECOND\n"
            "epoch  3      4\n"
            "\n"
            "different: 3 tensors differ, 0 equal, 1 only in the second; 1 other value differs\n");
  EXPECT_EQ(ckpt({"diff", "@m.safetensors", "@o.pt"}).status, 1);
}

TEST_F(Ckpt, DiffWithTolerances) {
  StateDict near = model_;
  near.set("fc1.bias", Tensor::from({0.5F + 1e-5F, -0.5F}));
  save_safetensors(near, dir_ / "near.safetensors");
  EXPECT_EQ(ckpt({"diff", "@m.safetensors", "@near.safetensors"}).status, 1);
  EXPECT_EQ(ckpt({"diff", "@m.safetensors", "@near.safetensors", "--atol", "1e-4"}).status, 0);
  EXPECT_EQ(ckpt({"diff", "@m.safetensors", "@near.safetensors", "--rtol", "1e-6"}).status, 1);
}

TEST_F(Ckpt, VerifyFindsDamage) {
  EXPECT_THAT(good({"verify", "@model.pt"}), HasSubstr("good (PyTorch, 3 tensors"));
  EXPECT_THAT(good({"verify", "@m.safetensors"}), HasSubstr("no checksums"));
  save_npz(model_, dir_ / "m.npz");
  EXPECT_THAT(good({"verify", "@m.npz"}), HasSubstr("every CRC-32 of 3 records agrees"));
  std::ifstream in(dir_ / "model.pt", std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  const float bias = 0.5F;
  std::string needle(sizeof bias, '\0');
  std::memcpy(needle.data(), &bias, sizeof bias);
  const std::size_t place = bytes.find(needle);
  ASSERT_NE(place, std::string::npos);
  bytes[place] = 1;
  std::ofstream(dir_ / "bad.pt", std::ios::binary) << bytes;
  expect_refused({"verify", "@bad.pt"}, 1, "data/1\"");
  std::ofstream(dir_ / "cut.safetensors", std::ios::binary)
      << std::string("\x10\0\0\0\0\0\0\0{}", 10);
  expect_refused({"verify", "@cut.safetensors"}, 1, "16 bytes");
}

TEST_F(Ckpt, ConvertsBetweenAllFormats) {
  for (const char* const from : {"m.safetensors", "m.npz", "m.pt"}) {
    for (const char* const to : {"n.safetensors", "n.npz", "n.pt"}) {
      if (!std::filesystem::exists(dir_ / from)) {
        good({"convert", "@m.safetensors", at(from)});
      }
      EXPECT_THAT(good({"convert", at(from), at(to)}), HasSubstr(to));
      const StateDict back = state(to);
      ASSERT_EQ(back.size(), 3u);
      for (const auto& [name, tensor] : model_) {
        EXPECT_TRUE(bitwise_equal(back.at(name), tensor)) << from << ' ' << to << ' ' << name;
      }
    }
  }
  EXPECT_EQ(SafetensorsFile(dir_ / "n.safetensors").metadata(), (TextMetadata{{"format", "pt"}}));
}

TEST_F(Ckpt, ConvertToPtKeepsTheTreeAndSharing) {
  const Tensor base = Tensor::arange(6, DType::float32);
  save(Dict{{"a", base}, {"b", base.slice(0, 1, 6, 2)}, {"i", Tensor::arange(2)}, {"lr", 0.1}},
       dir_ / "s.pt");
  good({"convert", "@s.pt", "@h.pt", "--dtype", "float16"});
  const Value half = load(dir_ / "h.pt");
  EXPECT_EQ(half.at("lr").as_double(), 0.1);
  EXPECT_EQ(half.at("i").as_tensor().dtype(), DType::int64);
  const Tensor& b = half.at("b").as_tensor();
  EXPECT_EQ(b.dtype(), DType::float16);
  EXPECT_EQ(b.storage(), half.at("a").as_tensor().storage());
  EXPECT_EQ(b.to(DType::float32).to_vector<float>(), (std::vector<float>{1, 3, 5}));
}

TEST_F(Ckpt, ConvertSelects) {
  good({"convert", "@model.pt", "@w.npz", "--root", "model", "--only", "fc1"});
  EXPECT_EQ(state("w.npz").size(), 2u);
  EXPECT_TRUE(state("w.npz").contains("fc1.bias"));
  good({"convert", "@model.pt", "@w.safetensors", "--only", "*.bias", "--dtype", "bfloat16"});
  EXPECT_EQ(state("w.safetensors").at("model.fc1.bias").dtype(), DType::bfloat16);
  EXPECT_EQ(state("w.safetensors").size(), 1u);
  good({"convert", "@model.pt", "@m.out", "--to", "npz"}, "note: 2 values that are no tensors");
  EXPECT_EQ(recognise_file(dir_ / "m.out"), FileFormat::npz);
}

TEST_F(Ckpt, Extracts) {
  good({"extract", "@model.pt", "model.fc1.weight", "@w.npy"});
  EXPECT_TRUE(bitwise_equal(load_npy(dir_ / "w.npy"), model_.at("fc1.weight")));
  good({"extract", "@model.pt", "model.fc1.weight", "@w.pt"});
  EXPECT_TRUE(bitwise_equal(load(dir_ / "w.pt").as_tensor(), model_.at("fc1.weight")));
  good({"extract", "@model.pt", "model", "@model.safetensors"});
  EXPECT_EQ(state("model.safetensors").size(), 3u);
  good({"extract", "@m.safetensors", "fc1.bias", "@b.npy"});
  EXPECT_TRUE(bitwise_equal(load_npy(dir_ / "b.npy"), model_.at("fc1.bias")));
}

TEST_F(Ckpt, ShardsAreOneCheckpoint) {
  std::ofstream(dir_ / "i.index.json") << R"({"weight_map": {"steps": "m.safetensors"}})";
  EXPECT_THAT(good({"ls", "@i.index.json"}), HasSubstr("steps  int64"));
  EXPECT_THAT(good({"verify", "@i.index.json"}), HasSubstr("1 shard there"));
  std::ofstream(dir_ / "loop.json") << R"({"weight_map": {"steps": "loop.json"}})";
  expect_refused({"ls", "@loop.json"}, 1, "index of shards itself");
}

TEST_F(Ckpt, TensorsWithoutElements) {
  save(Dict{{"m", Tensor::empty({3, 4}, DType::float32, kMeta)}}, dir_ / "meta.pt");
  EXPECT_THAT(good({"ls", "@meta.pt"}), HasSubstr("m     float32  [3, 4]  meta"));
  EXPECT_THAT(good({"show", "@meta.pt", "m"}), Not(HasSubstr("mean")));
  EXPECT_THAT(good({"diff", "@meta.pt", "@meta.pt"}), HasSubstr("the same"));
  good({"convert", "@meta.pt", "@half.pt", "--dtype", "float16"});
  EXPECT_EQ(load(dir_ / "half.pt").at("m").as_tensor().dtype(), DType::float16);
  expect_refused({"convert", "@meta.pt", "@m.npz"}, 1, "it has none");
  EXPECT_FALSE(std::filesystem::exists(dir_ / "m.npz"));
}

TEST_F(Ckpt, OpaqueDtypes) {
  const auto tensor = [](DType dtype, unsigned char last) {
    const Tensor made = Tensor::zeros({3}, dtype);
    static_cast<unsigned char*>(made.raw())[made.nbytes() - 1] = last;
    return made;
  };
  save(Dict{{"b", tensor(DType::bits16, 1)}, {"f", Tensor::ones({2})}}, dir_ / "a.pt");
  save(Dict{{"b", tensor(DType::bits16, 2)}, {"f", Tensor::ones({2})}}, dir_ / "b.pt");
  save(Dict{{"b", tensor(DType::int16, 1)}, {"f", Tensor::ones({2})}}, dir_ / "c.pt");
  EXPECT_THAT(good({"ls", "@a.pt"}), ContainsRegex("b +bits16 +\\[3\\] +cpu +6 B"));
  EXPECT_THAT(good({"show", "@a.pt"}), HasSubstr("b: bits16 [3]"));
  const std::string shown = good({"show", "@a.pt", "b"});
  EXPECT_THAT(shown, HasSubstr("dtype      bits16"));
  EXPECT_THAT(shown, HasSubstr("size       3 elements, 6 B"));
  EXPECT_THAT(shown, HasSubstr("not shown: bits16 is carried as bytes, without numbers"));
  EXPECT_THAT(shown, Not(HasSubstr("mean")));
  EXPECT_THAT(good({"verify", "@a.pt"}), HasSubstr("a.pt"));
  EXPECT_THAT(good({"diff", "@a.pt", "@a.pt"}), HasSubstr("the same"));
  ProcessResult result = ckpt({"diff", "@a.pt", "@b.pt"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.out, ContainsRegex("b +1 of 3 elements *\n"));
  result = ckpt({"diff", "@a.pt", "@c.pt"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.out, HasSubstr("dtype bits16 / int16"));
  good({"convert", "@a.pt", "@half.pt", "--dtype", "float16"});
  EXPECT_TRUE(bitwise_equal(state("half.pt").at("b"), state("a.pt").at("b")));
  EXPECT_EQ(state("half.pt").at("f").dtype(), DType::float16);
  expect_refused({"convert", "@a.pt", "@a.safetensors"}, 1, "safetensors has no dtype for bits16");
}

// A tensor in a storage that is a value too, and bytes; layouts as values.
TEST_F(Ckpt, StoragesAndLayouts) {
  const Tensor weight = Tensor::arange(6, DType::float32).view({2, 3});
  const StorageObject typed{weight.storage(), DType::float32};
  const auto value = [&](Layout layout, std::uint8_t last) {
    return Dict{
        {"w", weight[1]},
        {"raw", typed},
        {"more", Tuple{{1, StorageObject{Tensor::from<std::uint8_t>({1, last}).storage()}}}},
        {"layout", layout}};
  };
  save(value(Layout::strided, 2), dir_ / "s.pt");
  save(value(Layout::sparse_coo, 3), dir_ / "other.pt");

  const std::string list = good({"ls", "@s.pt"});
  EXPECT_THAT(list, HasSubstr("raw     float32  TypedStorage    cpu     24 B\n"));
  EXPECT_THAT(list, HasSubstr("more.1           UntypedStorage  cpu      2 B\n"));
  EXPECT_THAT(list, HasSubstr("1 tensor, 2 storages, 3 elements, 12 B (26 B stored"));
  const nlohmann::json json = nlohmann::json::parse(good({"ls", "--json", "@s.pt"}));
  EXPECT_EQ(json["tensors"].size(), 1U);
  EXPECT_EQ(json["storages"].size(), 2U);
  EXPECT_EQ(json["storages"][0]["class"], "torch.TypedStorage");
  EXPECT_EQ(json["storages"][0]["size"], 6);
  EXPECT_EQ(json["storages"][0]["storage"], json["tensors"][0]["storage"]);
  EXPECT_EQ(json["total"]["storage_bytes"], 26);

  const std::string tree = good({"show", "@s.pt"});
  EXPECT_THAT(tree, HasSubstr("raw: TypedStorage float32 of 6 elements\n"));
  EXPECT_THAT(tree, HasSubstr("more: (1, UntypedStorage of 2 bytes)\n"));
  EXPECT_THAT(tree, HasSubstr("layout: torch.strided\n"));
  const std::string shown = good({"show", "@s.pt", "raw"});
  EXPECT_THAT(shown, HasSubstr("torch.TypedStorage\n"));
  EXPECT_THAT(shown, HasSubstr("max        5\n"));

  EXPECT_THAT(good({"diff", "@s.pt", "@s.pt"}), HasSubstr("the same"));
  const ProcessResult difference = ckpt({"diff", "@s.pt", "@other.pt"});
  EXPECT_EQ(difference.status, 1);
  EXPECT_THAT(difference.out, HasSubstr("more.1  1 of 2 elements"));
  EXPECT_THAT(difference.out, HasSubstr("layout  torch.strided  torch.sparse_coo"));

  EXPECT_THAT(good({"verify", "@s.pt"}), HasSubstr("1 tensor, 2 storages"));
  good({"convert", "@s.pt", "@half.pt", "--dtype", "float16"});
  const Value half = load(dir_ / "half.pt");
  EXPECT_EQ(half.at("raw").as_storage().dtype, DType::float16);
  EXPECT_EQ(half.at("raw").as_storage().storage, half.at("w").as_tensor().storage());
  EXPECT_FALSE(half.at("more").at_index(1).as_storage().dtype);
  good({"extract", "@s.pt", "raw", "@raw.pt", "--dtype", "float64"});
  EXPECT_EQ(load(dir_ / "raw.pt").as_storage().tensor().to_vector<double>().at(5), 5.0);
  EXPECT_THAT(good({"convert", "@s.pt", "@s.safetensors"}, "left out: raw, more.0, more.1, ..."),
              HasSubstr("1 tensor"));
  EXPECT_THAT(ckpt({"extract", "@s.pt", "raw", "@raw.npy"}).err,
              HasSubstr("is a torch.TypedStorage, no tensor"));
}

TEST_F(Ckpt, ErrorsAreOneLine) {
  expect_refused({"ls", "@none.pt"}, 1, "none.pt");
  expect_refused({"show", "@model.pt", "fc1.bias"}, 1, "\"model.fc1.bias\"");
  expect_refused({"extract", "@model.pt", "epoch", "@e.npy"}, 1, "epoch");
  expect_refused({"convert", "@model.pt", "@m.npy"}, 1, "one tensor, not 3");
  expect_refused({"convert", "@model.pt", "@m.npz", "--only", "nope"}, 1, "nope");
  expect_refused({"convert", "@model.pt", "@m.npz", "--dtype", "int8"}, 2, "int8");
  std::ofstream(dir_ / "text.pt") << "hello";
  for (const char* const command : {"ls", "show", "verify"}) {
    expect_refused({command, "@text.pt"}, 1, "it is a text");
  }
  EXPECT_FALSE(std::filesystem::exists(dir_ / "m.npz"));
}

TEST_F(Ckpt, WrongUsage) {
  expect_refused({}, 2, "--help");
  expect_refused({"frobnicate"}, 2, "'frobnicate'");
  expect_refused({"ls"}, 2, "FILE");
  expect_refused({"diff", "@model.pt"}, 2, "B");
  expect_refused({"convert", "@model.pt", "@m.xyz"}, 2, "xyz");
  expect_refused({"convert", "@model.pt", "@m.npz", "--dtype", "flot"}, 2, "flot");
  EXPECT_THAT(good({"--help"}), HasSubstr("Usage: ckpt"));
  EXPECT_THAT(good({"diff", "--help"}), HasSubstr("Usage: ckpt diff"));
}

}  // namespace
}  // namespace wick::testing
