// SPDX-License-Identifier: MIT
#include "wick/serialize/checkpoint_file.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serialize/atomic_file.h"
#include "serialize/pickle_writer.h"
#include "tests/serialize/archive_builder.h"
#include "tests/support.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/serialize/checkpoint.h"

namespace wick {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// True where the memory is the file's own, by what the system says.
bool is_mapped(const Tensor& tensor, const fs::path& path) {
  const auto address = reinterpret_cast<std::uintptr_t>(tensor.raw());
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    words >> std::hex >> begin >> dash >> end;
    if (begin <= address && address < end) return line.ends_with(fs::canonical(path).string());
  }
  return false;
}

// A training checkpoint, with a view, a tied tensor and a tensor in a list.
Value training_value() {
  const Tensor weight = Tensor::arange(6, DType::float32).view({2, 3});
  Dict model(Dict::Type::ordered_dict);
  model.set("fc.weight", weight);
  model.set("fc.bias", Tensor::from<float>({7, 8}));
  model.set("tied", weight.transpose(0, 1));
  Dict state;
  state.set(0, Dict{{"step", Tensor::scalar<float>(3)}, {"exp_avg", Tensor::zeros({2, 3})}});
  return Dict{{"model", std::move(model)},
              {"optimizer", Dict{{"state", std::move(state)}}},
              {"epoch", 4},
              {"masks", List{{Tensor::from<std::uint8_t>({1, 0, 1})}}}};
}

class CheckpointFileTest : public ::testing::Test {
 protected:
  void SetUp() override { save(training_value(), path); }
  testing::TempDir directory;
  fs::path path = directory / "m.pt";
};

TEST_F(CheckpointFileTest, DescribesEveryTensorWithoutReadingIt) {
  const CheckpointFile file = CheckpointFile::open(path);
  std::vector<std::string> names;
  for (const TensorInfo& info : file.tensors()) names.push_back(info.name);
  EXPECT_THAT(names, ElementsAre("model.fc.weight", "model.fc.bias", "model.tied",
                                 "optimizer.state.0.step", "optimizer.state.0.exp_avg", "masks.0"));
  const TensorInfo& tied = *file.find("model.tied");
  EXPECT_EQ(tied.shape, (Dims{3, 2}));
  EXPECT_EQ(tied.strides, (Dims{1, 3}));
  EXPECT_EQ(tied.dtype, DType::float32);
  EXPECT_EQ(tied.record, "m/data/0");
  EXPECT_EQ(tied.storage_bytes, 24u);
  EXPECT_EQ(tied.nbytes(), 24u);
  EXPECT_EQ(tied.device, "cpu");
  EXPECT_EQ(file.find("model"), nullptr);

  const Value& tree = file.tree();
  EXPECT_EQ(tree.at("epoch"), Value(4));
  const Tensor& described = tree.at("model").at("tied").as_tensor();
  EXPECT_EQ(described.device(), kMeta);
  EXPECT_EQ(described.shape(), (Dims{3, 2}));
  EXPECT_THROW(static_cast<void>(described.to_vector<float>()), DeviceError);
  EXPECT_EQ(file.tensor(described).to_vector<float>(), (std::vector<float>{0, 3, 1, 4, 2, 5}));
  EXPECT_THROW(static_cast<void>(file.tensor(Tensor::zeros({1}))), ValueError);
}

TEST_F(CheckpointFileTest, TensorsAreTheFilesBytesAndOutliveIt) {
  std::optional<CheckpointFile> file = CheckpointFile::open(path);
  const Tensor weight = file->tensor("model.fc.weight");
  const Tensor tied = file->tensor("model.tied");
  EXPECT_TRUE(is_mapped(weight, path));
  EXPECT_EQ(weight.storage(), tied.storage());
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(weight.raw()) % 64, 0u);
  file.reset();
  EXPECT_EQ(weight.to_vector<float>(), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  fs::remove(path);
  EXPECT_EQ(tied.to_vector<float>(), (std::vector<float>{0, 3, 1, 4, 2, 5}));
}

TEST_F(CheckpointFileTest, WritingToATensorNeverChangesTheFile) {
  const std::string before = content(path);
  const CheckpointFile file = CheckpointFile::open(path);
  const Tensor weight = file.tensor("model.fc.weight");
  weight.fill_(9);
  EXPECT_EQ(file.tensor("model.tied").to_vector<float>(), std::vector<float>(6, 9));
  EXPECT_EQ(content(path), before);
  EXPECT_EQ(CheckpointFile::open(path).tensor("model.fc.weight").to_vector<float>(),
            (std::vector<float>{0, 1, 2, 3, 4, 5}));
}

TEST_F(CheckpointFileTest, ReplacingTheFileLeavesMappedTensorsAlone) {
  const Tensor bias = CheckpointFile::open(path).tensor("model.fc.bias");
  save(Dict{{"other", Tensor::zeros({1000})}}, path);
  EXPECT_EQ(bias.to_vector<float>(), (std::vector<float>{7, 8}));
}

TEST_F(CheckpointFileTest, ValueIsWhatLoadGives) {
  for (const bool mmap : {true, false}) {
    const Value value = CheckpointFile::open(path, {}, {.mmap = mmap}).value();
    EXPECT_EQ(value, load(path));
    const Value& model = value.at("model");
    EXPECT_EQ(is_mapped(model.at("fc.bias").as_tensor(), path), mmap);
    EXPECT_EQ(model.at("fc.weight").as_tensor().storage(), model.at("tied").as_tensor().storage());
  }
}

TEST_F(CheckpointFileTest, SubsetsListAllThatIsMissing) {
  const CheckpointFile file = CheckpointFile::open(path);
  const std::vector<std::string> names = {"masks.0", "model.fc.bias"};
  const StateDict subset = file.load_subset(names);
  ASSERT_EQ(subset.size(), 2u);
  EXPECT_EQ(subset.begin()->first, "masks.0");
  EXPECT_EQ(subset.at("model.fc.bias").to_vector<float>(), (std::vector<float>{7, 8}));
  const std::vector<std::string> wrong = {"model.fc.bias", "a", "b"};
  testing::expect_throw_with<StateDictError>([&] { static_cast<void>(file.load_subset(wrong)); },
                                             "\"a\"\n  no tensor is called \"b\"");
  testing::expect_throw_with<StateDictError>([&] { static_cast<void>(file.tensor("a")); },
                                             "no tensor is called \"a\"");
}

TEST_F(CheckpointFileTest, NamesOfTwoTensorsAreRefused) {
  save(Dict{{"a.b", Tensor::zeros({1})}, {"a", Dict{{"b", Tensor::ones({1})}}}}, path);
  const CheckpointFile file = CheckpointFile::open(path);
  EXPECT_EQ(file.tensors().size(), 2u);
  testing::expect_throw_with<StateDictError>([&] { static_cast<void>(file.tensor("a.b")); },
                                             "2 tensors are called \"a.b\"");
}

TEST_F(CheckpointFileTest, ContainersThatContainThemselvesAreWalkedOnce) {
  const auto list = std::make_shared<List>();
  list->items = {Tensor::ones({2}), Value(list)};
  save(Value(list), path);
  list->items.clear();
  const CheckpointFile file = CheckpointFile::open(path);
  ASSERT_EQ(file.tensors().size(), 1u);
  EXPECT_EQ(file.tensors()[0].name, "0");
  file.tree().as_list().clear();  // breaks the circle, so that it is freed
}

TEST_F(CheckpointFileTest, ThreadsShareStorages) {
  const CheckpointFile file = CheckpointFile::open(path, {}, {.mmap = false});
  std::vector<Tensor> tensors(8);
  {
    std::vector<std::jthread> threads;
    for (Tensor& tensor : tensors) {
      threads.emplace_back([&] { tensor = file.tensor("model.fc.weight"); });
    }
  }
  for (const Tensor& tensor : tensors) EXPECT_EQ(tensor.storage(), tensors[0].storage());
}

TEST_F(CheckpointFileTest, MapLocationDecidesWhenATensorIsRead) {
  const CheckpointFile file = CheckpointFile::open(path, Device{DeviceType::cuda, 99});
  EXPECT_EQ(file.tensors().size(), 6u);
  EXPECT_THROW(static_cast<void>(file.tensor("masks.0")), DeviceError);
  const Value meta = load(path, kMeta);
  EXPECT_EQ(meta.at("model").at("fc.weight").as_tensor().device(), kMeta);
}

// -- Into existing tensors ------------------------------------------------------------------------

StateDict target_of(DType dtype = DType::float32) {
  StateDict target;
  target.set("fc.weight", Tensor::zeros({2, 3}, dtype));
  target.set("fc.bias", Tensor::zeros({2}, dtype));
  target.set("tied", Tensor::zeros({3, 2}, dtype));
  return target;
}

TEST_F(CheckpointFileTest, LoadIntoFillsTheSameMemory) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const StateDict target = target_of(dtype);
    const void* const memory = target.at("fc.weight").raw();
    const LoadIntoReport report =
        CheckpointFile::open(path).load_into(target, {.prefix = "model."});
    EXPECT_TRUE(report.missing_keys.empty() && report.unexpected_keys.empty());
    EXPECT_EQ(target.at("fc.weight").raw(), memory);
    const auto values = [&](const char* name) {
      return target.at(name).to(DType::float32).to_vector<float>();
    };
    EXPECT_EQ(values("fc.weight"), (std::vector<float>{0, 1, 2, 3, 4, 5}));
    EXPECT_EQ(values("fc.bias"), (std::vector<float>{7, 8}));
    EXPECT_EQ(values("tied"), (std::vector<float>{0, 3, 1, 4, 2, 5}));
  }
}

TEST_F(CheckpointFileTest, LoadIntoListsEverythingThatDoesNotFit) {
  StateDict target;
  target.set("fc.weight", Tensor::ones({3, 3}));
  target.set("fc.bias", Tensor::ones({2}));
  target.set("head", Tensor::ones({1}));
  const CheckpointFile file = CheckpointFile::open(path);
  for (const char* const text :
       {"nothing was changed",
        "shape of \"fc.weight\": the checkpoint has [2, 3], the model [3, 3]",
        "missing key \"head\"", "unexpected key \"tied\""}) {
    testing::expect_throw_with<StateDictError>(
        [&] { file.load_into(target, {.prefix = "model."}); }, text);
  }
  EXPECT_EQ(target.at("fc.bias").to_vector<float>(), (std::vector<float>{1, 1}));

  target.set("fc.weight", Tensor::ones({2, 3}));
  const LoadIntoReport report = file.load_into(target, {.prefix = "model.", .strict = false});
  EXPECT_THAT(report.missing_keys, ElementsAre("head"));
  EXPECT_THAT(report.unexpected_keys, ElementsAre("tied"));
  EXPECT_EQ(target.at("fc.bias").to_vector<float>(), (std::vector<float>{7, 8}));
}

// -- Files of other tools, and damaged ones -------------------------------------------------------

struct Made {
  bool deflated = false;
  std::string byteorder = "little";
  std::string data = std::string("\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40", 12);

  [[nodiscard]] std::string bytes() const {
    testing::ArchiveBuilder archive;
    archive.add("m/data.pkl", pickle_value(Dict{{"w", Tensor::from<float>({1, 2, 3})}}).bytes);
    archive.add("m/byteorder", byteorder);
    archive.add("m/data/0", data, deflated);
    archive.add("m/version", "3\n");
    return archive.finish();
  }
};

TEST_F(CheckpointFileTest, WhatCannotBeMappedIsRead) {
  const std::string turned("\x3f\x80\0\0\x40\0\0\0\x40\x40\0\0", 12);
  for (const Made& made : {Made{}, Made{.deflated = true}, Made{.byteorder = "big", .data = turned},
                           Made{.deflated = true, .byteorder = "big", .data = turned}}) {
    write_file_atomically(path, made.bytes());
    const CheckpointFile file = CheckpointFile::open(path);
    const Tensor tensor = file.tensor("w");
    EXPECT_FALSE(is_mapped(tensor, path));
    EXPECT_EQ(tensor.to_vector<float>(), (std::vector<float>{1, 2, 3}));
    StateDict target;
    target.set("w", Tensor::zeros({3}));
    file.load_into(target);
    EXPECT_EQ(target.at("w").to_vector<float>(), (std::vector<float>{1, 2, 3}));
    EXPECT_NO_THROW(file.verify());
  }
}

TEST_F(CheckpointFileTest, DamagedDataAreFoundWhereTheyAreChecked) {
  save(Dict{{"a", Tensor::ones({4})}, {"w", Tensor::from<float>({1, 2, 3})}}, path);
  std::string bytes = content(path);
  const std::size_t at = bytes.find(std::string_view("\0\0\x80\x3f\0\0\0\x40", 8));
  ASSERT_NE(at, std::string::npos);
  bytes[at] = 1;
  write_file_atomically(path, bytes);
  const auto damaged = [](auto&& statement) {
    testing::expect_throw_with<FormatError>(statement, "m/data/1\", offset ");
  };
  const CheckpointFile plain = CheckpointFile::open(path);
  EXPECT_NO_THROW(static_cast<void>(plain.tensor("w")));  // not looked at
  damaged([&] { plain.verify(); });
  damaged([&] { static_cast<void>(CheckpointFile::open(path, {}, {.verify = true}).tensor("w")); });
  const CheckpointFile copying = CheckpointFile::open(path, {}, {.mmap = false});
  EXPECT_NO_THROW(static_cast<void>(copying.tensor("a")));
  damaged([&] { static_cast<void>(copying.tensor("w")); });
  damaged([&] { static_cast<void>(copying.value()); });
  StateDict target;
  target.set("a", Tensor::zeros({4}));
  target.set("w", Tensor::zeros({3}));
  damaged([&] { plain.load_into(target); });
  EXPECT_EQ(target.at("a").to_vector<float>(), std::vector<float>(4, 0));
}

TEST_F(CheckpointFileTest, FilesThatShrinkAreIoErrors) {
  for (const bool mmap : {true, false}) {
    SetUp();
    const CheckpointFile file = CheckpointFile::open(path, {}, {.mmap = mmap});
    const auto refuse = [&] {
      testing::expect_throw_with<IoError>([&] { static_cast<void>(file.tensor("masks.0")); },
                                          "changed meanwhile");
      EXPECT_THROW(static_cast<void>(file.value()), Error);
      EXPECT_THROW(file.verify(), Error);
      EXPECT_THROW(file.load_into(target_of(), {.prefix = "model."}), Error);
    };
    const Tensor weight = file.tensor("model.fc.weight");  // maps it
    fs::resize_file(path, 300);
    refuse();
    fs::resize_file(path, 0);
    refuse();
  }
}

TEST_F(CheckpointFileTest, EveryFlippedBitIsAnErrorOrHarmless) {
  save(Dict{{"w", Tensor::from<float>({1, 2, 3, 4}, {2, 2})}}, path);
  const Value good = load(path);
  const std::string bytes = content(path);
  const OpenOptions options{.verify = true};
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string changed = bytes;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    testing::write_file(path, changed);
    try {
      const CheckpointFile file = CheckpointFile::open(path, kCpu, options);
      EXPECT_EQ(file.value(), good) << "bit " << bit;
    } catch (const Error&) {
    }
  }
}

TEST_F(CheckpointFileTest, TheOlderFormatIsNamed) {
  write_file_atomically(path,
                        std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
                                    "\x80\x02M\xe9\x03.",
                                    21));
  testing::expect_throw_with<FormatError>([&] { static_cast<void>(CheckpointFile::open(path)); },
                                          "use load()");
}

TEST(CheckpointFile, ComplexNumbersAreNotReadIntoRealOnes) {
  const testing::TempDir directory;
  const auto path = directory / "complex.pt";
  save(Dict{{"w", Tensor::zeros({3}, DType::complex64)}, {"b", Tensor::ones({3})}}, path);
  StateDict model;
  model.set("b", Tensor::zeros({3}));
  model.set("w", Tensor::full({3}, 7));
  testing::expect_throw_with<StateDictError>(
      [&] { CheckpointFile::open(path).load_into(model); },
      "dtype of \"w\": the checkpoint has complex64, whose imaginary parts the model's float32");
  EXPECT_TRUE(bitwise_equal(model.at("b"), Tensor::zeros({3})));
  EXPECT_TRUE(bitwise_equal(model.at("w"), Tensor::full({3}, 7)));
}

TEST(CheckpointFile, TensorsSavedWithoutElementsAreDescribed) {
  const testing::TempDir directory;
  const auto path = directory / "meta.pt";
  const Tensor described(std::make_shared<Storage>(24, backend_for(kMeta)), DType::float32, {2, 3},
                         {3, 1}, 0);
  save(Dict{{"w", described}, {"b", Tensor::ones({2})}}, path);
  const CheckpointFile file = CheckpointFile::open(path);
  ASSERT_NE(file.find("w"), nullptr);
  EXPECT_EQ(file.find("w")->device, "meta");
  EXPECT_EQ(file.find("w")->record, "");
  EXPECT_EQ(file.tensor("w").device(), kMeta);
  EXPECT_EQ(file.load_subset(std::vector<std::string>{"w", "b"}).at("w").shape(), (Dims{2, 3}));
  StateDict model;
  model.set("w", Tensor::zeros({2, 3}));
  model.set("b", Tensor::zeros({2}));
  testing::expect_throw_with<StateDictError>([&] { file.load_into(model); },
                                             "\"w\" has no elements in the checkpoint");
  EXPECT_EQ(load(path).at("w").as_tensor().device(), kMeta);
}

}  // namespace
}  // namespace wick
