// SPDX-License-Identifier: MIT
// A run that began with a relative path finds its data again.
#include "tools/cli/data_place.h"

#include <filesystem>
#include <string>

#include <gmock/gmock.h>

#include "tests/tools/programs_fixture.h"
#include "tools/data/file_name.h"

namespace wick::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// project/data and, after a run in project, project/checkpoints.
class DataPlace : public Programs {
 protected:
  void SetUp() override {
    write_data("project/data", 1);
    const ProcessResult result =
        in("project", {"--data", "data", "--epochs", "1", "--scheduler", "none"});
    ASSERT_EQ(result.status, 0) << result.err;
  }
  [[nodiscard]] ProcessResult in(const std::string& folder, const Arguments& arguments) const {
    return run("train", arguments, dir_.path(), {.working_folder = dir_ / folder});
  }
  void expect_goes_on(const ProcessResult& result, const std::string& checkpoint) const {
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(load(at(checkpoint)).at("epoch").as_int(), 2);
  }
};

TEST_F(DataPlace, AnotherWorkingFolderMakesNoDifference) {
  fs::create_directories(dir_ / "elsewhere/deep");
  expect_goes_on(
      in("elsewhere/deep", {"--resume", at("project/checkpoints/last.tar"), "--epochs", "2"}),
      "project/checkpoints/last.tar");
  // Relative paths of the checkpoint, too.
  EXPECT_EQ(
      in("elsewhere", {"--resume", "../project/checkpoints/last.tar", "--epochs", "3"}).status, 0);
  EXPECT_EQ(in("project/checkpoints", {"--resume", "last.tar", "--epochs", "4"}).status, 0);
}

TEST_F(DataPlace, TheCheckpointAloneMayBeMoved) {
  fs::create_directories(dir_ / "elsewhere");
  fs::rename(dir_ / "project/checkpoints/last.tar", dir_ / "elsewhere/last.tar");
  expect_goes_on(in("elsewhere", {"--resume", "last.tar", "--epochs", "2"}), "elsewhere/last.tar");
}

TEST_F(DataPlace, TheWholeFolderMayBeMoved) {
  fs::rename(dir_ / "project", dir_ / "moved");
  fs::create_directories(dir_ / "elsewhere");
  expect_goes_on(in("elsewhere", {"--resume", at("moved/checkpoints/last.tar"), "--epochs", "2"}),
                 "moved/checkpoints/last.tar");
  // And again: the way is that from the new checkpoint.
  fs::rename(dir_ / "moved", dir_ / "again");
  EXPECT_EQ(in("elsewhere", {"--resume", at("again/checkpoints/last.tar"), "--epochs", "3"}).status,
            0);
}

TEST_F(DataPlace, WhatIsNowhereIsSaidWithTheRemedy) {
  fs::rename(dir_ / "project/data", dir_ / "project/gone");
  const std::string checkpoint = at("project/checkpoints/last.tar");
  const ProcessResult result = in("", {"--resume", checkpoint, "--epochs", "2"});
  expect_refused(result, 1,
                 "the run of '" + checkpoint + "' has its data in '" + at("project/data") +
                     "' and '" + at("project/data") +
                     "', where there is no such folder; give --data DIR");
  expect_goes_on(
      in("project", {"--resume", "checkpoints/last.tar", "--epochs", "2", "--data", "gone"}),
      "project/checkpoints/last.tar");
  // From now on it is there.
  EXPECT_EQ(in("", {"--resume", checkpoint, "--epochs", "3"}).status, 0);
}

// Their paths are what was given, and are looked for in the present folder.
TEST_F(DataPlace, CheckpointsOfEarlierVersionsHaveRelativePaths) {
  Value checkpoint = load(at("project/checkpoints/last.tar"));
  Dict config;
  for (const auto& [key, value] : checkpoint.at("config").as_dict()) {
    if (key != Value("data_from_here")) config.set(key, value);
  }
  config.set("data", "data");
  checkpoint.as_dict().set("config", std::move(config));
  save(checkpoint, at("old.tar"));
  const Arguments resume = {"--resume", at("old.tar"),      "--epochs",
                            "2",        "--checkpoint-dir", at("resumed")};
  expect_refused(
      in("", resume), 1,
      "has its data in 'data' in the present folder '" + fs::canonical(dir_.path()).string());
  expect_goes_on(in("project", resume), "resumed/last.tar");
}

TEST_F(DataPlace, DrawnDigitsAreNoFolder) {
  EXPECT_EQ(tools::absolute_data("synthetic"), "synthetic");
  EXPECT_EQ(tools::absolute_data(""), "");
  EXPECT_EQ(tools::data_from("/a/b", "synthetic"), "");
}

TEST_F(DataPlace, PathsAreWholeAndShort) {
  const std::string here = fs::current_path().string();
  EXPECT_EQ(tools::absolute_data("mnist"), here + "/mnist");
  EXPECT_EQ(tools::absolute_data("./mnist/"), here + "/mnist");
  EXPECT_EQ(tools::absolute_data("/a//b/"), "/a/b");
  // Behind a link it leads elsewhere, and stays.
  EXPECT_EQ(tools::absolute_data("/a/../b"), "/a/../b");
  EXPECT_EQ(tools::data_from("/a/b/c", "/a/d"), "../../d");
}

// The lesson's three entries are as they were.
TEST_F(DataPlace, TheCheckpointKeepsTextAlone) {
  const Value checkpoint = load(at("project/checkpoints/last.tar"));
  for (const char* const key : {"tfs", "opt", "model"}) EXPECT_TRUE(checkpoint.contains(key));
  EXPECT_EQ(checkpoint.at("config").at("data").as_string(), at("project/data"));
  EXPECT_EQ(checkpoint.at("config").at("data_from_here").as_string(), "../data");
}

}  // namespace
}  // namespace wick::testing
