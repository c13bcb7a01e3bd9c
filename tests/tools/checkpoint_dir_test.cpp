// SPDX-License-Identifier: MIT
// A run does not write over the checkpoints of another one.
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "tests/tools/programs_fixture.h"
#include "tools/cli/checkpoints.h"

namespace wick::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class CheckpointDir : public Programs {
 protected:
  [[nodiscard]] std::vector<std::string> names_in(const std::string& folder) const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(at(folder))) {
      names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  using Names = std::vector<std::string>;
};

TEST_F(CheckpointDir, AnotherRunsIsRefusedBeforeAnyTraining) {
  ASSERT_EQ(train(training("run", {"--epochs", "1"})).status, 0);
  const Value before = load(at("run/last.tar"));
  const ProcessResult again = train(training("run", {"--epochs", "1", "--seed", "1"}));
  expect_refused(again, 1,
                 "--checkpoint-dir '" + at("run") +
                     "' has the checkpoints of another run (last.tar, ...); give another "
                     "--checkpoint-dir, or --force to replace them, or go on with that run by "
                     "--resume " +
                     at("run/last.tar"));
  EXPECT_EQ(again.out, "");
  EXPECT_TRUE(load(at("run/last.tar")) == before);
  // The default folder is no exception.
  const ProcessOptions inside{.working_folder = dir_.path()};
  const Arguments plain = {"--data", at("data"), "--epochs", "1"};
  ASSERT_EQ(run("train", plain, dir_.path(), inside).status, 0);
  expect_refused(run("train", plain, dir_.path(), inside), 1, "--checkpoint-dir 'checkpoints' has");
}

TEST_F(CheckpointDir, OneNumberedFileIsEnough) {
  fs::create_directories(dir_ / "run");
  std::ofstream(at("run/notes.txt")) << "no checkpoint";
  std::ofstream(at("run/model_dnn_x.tar")) << "none either";
  ASSERT_EQ(train(training("run", {"--epochs", "1"})).status, 0);
  fs::remove(dir_ / "run/last.tar");
  expect_refused(train(training("run", {"--epochs", "1"})), 1, "(model_dnn_0.tar)");
}

TEST_F(CheckpointDir, ForceReplacesThemWhenTheFirstIsSaved) {
  ASSERT_EQ(train(training("run", {"--epochs", "3", "--lr", "0.01"})).status, 0);
  ASSERT_EQ(names_in("run"),
            (Names{"last.tar", "model_dnn_0.tar", "model_dnn_1.tar", "model_dnn_2.tar"}));
  // A run that fails before it has saved anything takes nothing away.
  const Value before = load(at("run/last.tar"));
  expect_refused(train({"--data", at("nowhere"), "--checkpoint-dir", at("run"), "--force"}), 1,
                 "nowhere");
  const ProcessResult diverged =
      train(training("run", {"--force", "--optimizer", "sgd", "--lr", "1e30", "--epochs", "1"}));
  EXPECT_EQ(diverged.status, 1);
  EXPECT_EQ(names_in("run").size(), 4U);
  EXPECT_TRUE(load(at("run/last.tar")) == before);

  const ProcessResult forced = train(training("run", {"--force", "--epochs", "1", "--seed", "5"}));
  ASSERT_EQ(forced.status, 0) << forced.err;
  EXPECT_EQ(names_in("run"), (Names{"last.tar", "model_dnn_0.tar"}));
  for (const char* const name : {"run/last.tar", "run/model_dnn_0.tar"}) {
    EXPECT_EQ(load(at(name)).at("config").at("seed").as_int(), 5);
  }
  // Where there is none, it does no harm.
  EXPECT_EQ(train(training("new", {"--force", "--epochs", "1"})).status, 0);
}

// Also where the resumed run has no numbered file of its own there.
TEST_F(CheckpointDir, ForceLeavesNothingOfTheOtherRunBesideAResumedOne) {
  const Arguments slow = {"--epochs", "1", "--lr", "1e-9", "--scheduler", "none"};
  ASSERT_EQ(train(training("a", slow)).status, 0);
  ASSERT_EQ(train(training("b", {"--epochs", "3", "--lr", "0.01"})).status, 0);
  ASSERT_EQ(names_in("b").size(), 4U);
  ASSERT_EQ(
      train({"--resume", at("a/last.tar"), "--epochs", "2", "--checkpoint-dir", at("b"), "--force"})
          .status,
      0);
  EXPECT_EQ(names_in("b"), Names{"last.tar"});
}

TEST_F(CheckpointDir, AResumedRunGoesOnInItsOwnFolderAlone) {
  ASSERT_EQ(train(training("a", {"--epochs", "1", "--scheduler", "none"})).status, 0);
  ASSERT_EQ(train(training("b", {"--epochs", "1", "--scheduler", "none"})).status, 0);
  const Value before = load(at("b/last.tar"));
  expect_refused(
      train({"--resume", at("a/last.tar"), "--epochs", "2", "--checkpoint-dir", at("b")}), 1,
      "--checkpoint-dir '" + at("b") + "' has the checkpoints of a run, and '" + at("a/last.tar") +
          "' is none of them (last.tar, ...); give another");
  // A copy beside the checkpoints of another run.
  fs::copy_file(at("a/last.tar"), at("b/copy.tar"));
  expect_refused(train({"--resume", at("b/copy.tar"), "--epochs", "2"}), 1, "is none of them");
  EXPECT_TRUE(load(at("b/last.tar")) == before);
  ASSERT_EQ(train({"--resume", at("b/copy.tar"), "--epochs", "2", "--force"}).status, 0);
  EXPECT_EQ(load(at("b/last.tar")).at("epoch").as_int(), 2);
  // By another path to the same folder.
  fs::create_directory_symlink(at("a"), at("link"));
  EXPECT_EQ(
      train({"--resume", at("link/last.tar"), "--epochs", "2", "--checkpoint-dir", at("a")}).status,
      0);
}

TEST_F(CheckpointDir, WrongDataLeavesNoEmptyFolder) {
  expect_refused(train({"--data", at("nowhere"), "--checkpoint-dir", at("run")}), 1, "nowhere");
  EXPECT_FALSE(fs::exists(dir_ / "run"));
}

}  // namespace
}  // namespace wick::testing
