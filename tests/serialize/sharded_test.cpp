// SPDX-License-Identifier: MIT
#include "wick/serialize/sharded.h"

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/serialize/any_file.h"
#include "wick/serialize/checkpoint.h"
#include "wick/serialize/npy.h"
#include "wick/serialize/safetensors.h"

namespace wick {
namespace {

namespace fs = std::filesystem;
using testing::expect_throw_with;
using testing::TempDir;
using testing::write_file;

class Sharded : public ::testing::Test {
 protected:
  void SetUp() override {
    one_.set("a", Tensor::arange(6).view({2, 3}));
    one_.set("extra", Tensor::zeros({1}));
    two_.set("b", Tensor::from({1.5F}));
  }
  void write_index(const std::string& text) const { write_file(index_, text); }
  void expect_refused(const std::string& text, const std::string& reason) const {
    write_index(text);
    expect_throw_with<FormatError>([&] { static_cast<void>(load_sharded(index_)); }, reason);
  }
  void expect_missing(const std::string& text, const std::string& reason) const {
    write_index(text);
    expect_throw_with<StateDictError>([&] { static_cast<void>(load_sharded(index_)); }, reason);
  }

  TempDir directory_;
  fs::path index_ = directory_ / "model.index.json";
  StateDict one_;
  StateDict two_;
};

TEST_F(Sharded, ReadsBothKindsInTheOrderOfTheIndex) {
  save(one_, directory_ / "1.bin");
  save_safetensors(two_, directory_ / "2.safetensors");
  write_index(R"({"metadata": {"total_size": 5.2e1, "x": [null]},
                  "weight_map": {"b": "2.safetensors", "a": "1.bin"}})");
  const StateDict state = load_sharded(index_);
  ASSERT_EQ(state.size(), 2u);
  EXPECT_EQ(state.begin()->first, "b");
  EXPECT_TRUE(bitwise_equal(state.at("a"), one_.at("a")));
  EXPECT_TRUE(bitwise_equal(state.at("b"), two_.at("b")));
  EXPECT_EQ(recognise_file(index_), FileFormat::shard_index);
  EXPECT_EQ(StateDict::from_value(load_any(index_, kCpu)).size(), 2u);
}

TEST_F(Sharded, MissingShardsAndTensorsAreNamed) {
  save(one_, directory_ / "1.bin");
  save_safetensors(two_, directory_ / "2.safetensors");
  expect_missing(R"({"weight_map": {"a": "1.bin", "b": "3.bin"}})", "3.bin");
  expect_missing(R"({"weight_map": {"c": "1.bin"}})", "\"c\"");
  expect_missing(R"({"weight_map": {"a": "2.safetensors"}})", "\"a\"");
}

TEST_F(Sharded, NamesMustNotLeaveTheFolder) {
  save(one_, directory_ / "1.bin");
  for (const char* const name :
       {"../1.bin", "/etc/passwd", "x/../1.bin", "..", ".", "", "sub/1.bin", "..\\\\1.bin",
        "1.bin\\u0000", "\\u002e\\u002e/1.bin"}) {
    expect_refused(std::string(R"({"weight_map": {"a": ")") + name + "\"}}", "plain file name");
  }
}

TEST_F(Sharded, WhatIsNoIndexIsRefused) {
  expect_refused("", "ends");
  expect_refused("{}", "weight_map");
  expect_refused("[1]", "an object");
  expect_refused(R"({"weight_map": []})", "an object");
  expect_refused(R"({"weight_map": {"a": 1}})", "a string");
  expect_refused(R"({"weight_map": {}, "weight_map": {}})", "twice");
  expect_refused(R"({"weight_map": {"a": "1", "a": "1"}})", "twice");
  expect_refused(R"({"weight_map": {}} x)", "follows");
  const std::string whole = R"({"weight_map": {}})";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write_index(whole.substr(0, size));
    EXPECT_THROW(static_cast<void>(load_sharded(index_)), FormatError) << size;
  }
}

TEST_F(Sharded, ShardsMustBeFilesOfNamedTensors) {
  write_file(directory_ / "text.bin", "hello");
  expect_refused(R"({"weight_map": {"a": "text.bin"}})", "text.bin");
  save_npy(one_.at("a"), directory_ / "a.npy");
  expect_refused(R"({"weight_map": {"a": "a.npy"}})", "NumPy array");
  // An index that names itself must not go round for ever.
  expect_refused(R"({"weight_map": {"a": "model.index.json"}})", "index of shards");
  save(Value(List{{1, 2}}), directory_ / "list.bin");
  expect_missing(R"({"weight_map": {"a": "list.bin"}})", "list");
}

}  // namespace
}  // namespace wick
