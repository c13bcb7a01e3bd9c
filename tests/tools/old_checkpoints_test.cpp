// SPDX-License-Identifier: MIT
// Checkpoints of earlier versions: layers fc1, fc2, ..., transforms in 'tfs', files numbered
// from 1.
#include <fstream>

#include <gmock/gmock.h>

#include "tests/tools/programs_fixture.h"
#include "tools/data/idx.h"

namespace wick::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The images that fixtures/tools/old_run_epoch_1.tar was trained on: `count` from `first` on.
tools::Dataset fixture_part(std::int64_t first, std::int64_t count) {
  tools::Dataset part;
  part.images = Tensor::empty({count, 1, 3, 3}, DType::uint8);
  part.labels = Tensor::empty({count}, DType::int64);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t label = (first + i) % 10;
    part.labels.data<std::int64_t>()[i] = label;
    for (std::int64_t p = 0; p < 9; ++p) {
      part.images.data<std::uint8_t>()[i * 9 + p] = static_cast<std::uint8_t>(
          (label * 28 + p * 31 * (1 + label % 3) + (first + i) * 7) % 256);
    }
  }
  for (int label = 0; label < 10; ++label) part.class_names.push_back(std::to_string(label));
  return part;
}

/// A checkpoint as an earlier version would have written it.
Value as_earlier_version(const Value& checkpoint) {
  Dict old;
  for (const auto& [key, value] : checkpoint.as_dict()) {
    if (key == Value("tfs") || key == Value("first_number")) continue;
    if (key == Value("transforms")) {
      old.set("tfs", value);
    } else if (key == Value("model")) {
      StateDict model;
      for (const auto& [name, tensor] : StateDict::from_value(value)) {
        model.set("fc" + name.substr(std::string("layer").size()), tensor);
      }
      old.set("model", model.to_value());
    } else {
      old.set(key, value);
    }
  }
  return old;
}

// The fixture: `train --data DIR --model 4 --epochs 4 --lr 0.1 --batch-size 10 --normalize
// --scheduler none` of the version before the change, after its first epoch.
class OldCheckpoints : public Programs {
 protected:
  void SetUp() override {
    fs::create_directories(dir_ / "data");
    tools::write_mnist({fixture_part(0, 100), fixture_part(100, 20)}, dir_ / "data");
    fs::create_directories(dir_ / "run");
    fs::copy_file(fs::path(WICK_FIXTURES) / "tools/old_run_epoch_1.tar",
                  dir_ / "run/model_dnn_1.tar");
  }
  /// Each numbered file in the folder is that of its epoch, counted from `first`.
  void expect_numbers_from(std::int64_t first, const std::string& folder, int at_least = 2) const {
    int files = 0;
    for (const auto& entry : fs::directory_iterator(dir_ / folder)) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with("model_dnn_")) continue;
      ++files;
      EXPECT_EQ(std::stoll(name.substr(10)), load(entry.path()).at("epoch").as_int() - 1 + first)
          << name;
    }
    EXPECT_GE(files, at_least);
  }
};

TEST_F(OldCheckpoints, ArePredictedWith) {
  const ProcessResult result = predict({at("run/model_dnn_1.tar"), "--data", at("data")});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "test accuracy 15.00 % (3 of 20)\n");  // as that version has it
}

TEST_F(OldCheckpoints, AreResumedInTheirNumbering) {
  const std::string before = bytes_of(dir_ / "run/model_dnn_1.tar");
  const ProcessResult resumed =
      train({"--resume", at("run/model_dnn_1.tar"), "--data", at("data")});
  ASSERT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_THAT(resumed.out, HasSubstr("resumes after epoch 1, step 0"));
  EXPECT_TRUE(bytes_of(dir_ / "run/model_dnn_1.tar") == before);
  expect_numbers_from(1, "run");
  const Value last = load(at("run/last.tar"));
  EXPECT_EQ(last.at("epoch").as_int(), 4);
  EXPECT_TRUE(last.at("model").contains("layer2.weight"));
  EXPECT_TRUE(last.at("tfs").as_dict().empty());
  EXPECT_TRUE(last.at("transforms").contains("normalize"));

  // And once more, from a file that the present version has written.
  fs::remove(dir_ / "run/model_dnn_4.tar");
  const ProcessResult again =
      train({"--resume", at("run/last.tar"), "--data", at("data"), "--epochs", "30"});
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_TRUE(bytes_of(dir_ / "run/model_dnn_1.tar") == before);
  expect_numbers_from(1, "run");
}

TEST_F(OldCheckpoints, GoOnAsNewOnesDo) {
  ASSERT_EQ(train(training("new", {"--epochs", "1", "--scheduler", "none", "--normalize",
                                   "--optimizer", "adamw"}))
                .status,
            0);
  fs::create_directories(dir_ / "old");
  save(as_earlier_version(load(at("new/last.tar"))), at("old/last.tar"));
  ASSERT_EQ(train({"--resume", at("new/last.tar"), "--epochs", "3"}).status, 0);
  const ProcessResult old = train({"--resume", at("old/last.tar"), "--epochs", "3"});
  ASSERT_EQ(old.status, 0) << old.err;
  Value left = load(at("new/last.tar"));
  Value right = load(at("old/last.tar"));
  EXPECT_EQ(left.at("first_number").as_int(), 0);
  EXPECT_EQ(right.at("first_number").as_int(), 1);
  right.as_dict().set("first_number", 0);
  EXPECT_TRUE(left == right);
  expect_numbers_from(0, "new", 1);
}

TEST_F(OldCheckpoints, TheirEpochDecidesAndNotTheirName) {
  ASSERT_EQ(train(training("new", {"--epochs", "2", "--lr", "0.1", "--batch-size", "10",
                                   "--normalize", "--scheduler", "none"}))
                .status,
            0);
  fs::create_directories(dir_ / "renamed");
  fs::copy_file(dir_ / "new/last.tar", dir_ / "renamed/model_dnn_17.tar");
  const ProcessResult result =
      train({"--resume", at("renamed/model_dnn_17.tar"), "--epochs", "12"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("resumes after epoch 2"));
  fs::remove(dir_ / "renamed/model_dnn_17.tar");
  fs::copy_file(dir_ / "new/model_dnn_0.tar", dir_ / "renamed/model_dnn_0.tar");
  expect_numbers_from(0, "renamed");
}

}  // namespace
}  // namespace wick::testing
