// SPDX-License-Identifier: MIT
// Options that change nothing beside others are refused; what does change something is not.
#include "tools/cli/option_conflicts.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "tests/tools/programs_fixture.h"

namespace wick::testing {
namespace {

using ::testing::HasSubstr;
using tools::Conflict;
using tools::conflicts_of;
using tools::TrainOptions;

class OptionConflicts : public Programs {
 protected:
  void SetUp() override {}  // most need no data
};

struct Row {
  Arguments arguments;
  std::string text;
};

TEST_F(OptionConflicts, TrainNamesBothOptionsAndTheRemedy) {
  const std::vector<Row> rows = {
      {{"--momentum", "0.9"},
       "--momentum has no effect with --optimizer adam; leave it out, or give --optimizer sgd or "
       "rmsprop"},
      {{"--optimizer", "adamw", "--momentum", "0"}, "--momentum has no effect with --optimizer"},
      {{"--nesterov"},
       "--nesterov has no effect with --optimizer adam; leave it out, or give --optimizer sgd"},
      {{"--optimizer", "rmsprop", "--momentum", "0.9", "--nesterov"},
       "--nesterov has no effect with --optimizer rmsprop"},
      {{"--optimizer", "sgd", "--nesterov"},
       "--nesterov has no effect with --momentum 0; give --momentum, as in 0.9"},
      {{"--step-size", "2"},
       "--step-size has no effect with --scheduler cosine; leave it out, or give --scheduler step "
       "or restarts"},
      {{"--scheduler", "exponential", "--step-size", "2"},
       "--step-size has no effect with --scheduler exponential"},
      {{"--gamma", "0.5"},
       "--gamma has no effect with --scheduler cosine; leave it out, or give --scheduler step, "
       "multistep or exponential"},
      {{"--gamma", "0.1"}, "--gamma has no effect"},  // the default, all the same
      {{"--scheduler", "none", "--milestones", "2"},
       "--milestones has no effect with --scheduler none; leave it out, or give --scheduler "
       "multistep"},
      {{"--scheduler", "linear", "--power", "2"},
       "--power has no effect with --scheduler linear; leave it out, or give --scheduler "
       "polynomial"},
      {{"--tf32"}, "--tf32 has no effect with --device cpu; leave it out, or give --device cuda"},
      {{"--device", "cuda", "--tf32", "--autocast", "bfloat16"},
       "--tf32 has no effect with --autocast bfloat16; leave one of them out"},
      {{"--graph"}, "--graph has no effect with --device cpu; leave it out, or give --device"},
      {{"--device", "cuda", "--graph", "--clip-grad-norm", "1"},
       "--graph has no effect with --clip-grad-norm 1; leave it out"},
      {{"--device", "cuda", "--graph", "--autocast", "bfloat16"},
       "--graph has no effect with --autocast bfloat16; leave it out"},
      {{"--device", "cuda:1", "--graph", "--model", "32,16"},
       "--graph has no effect with several hidden layers (--model); leave it out"},
      {{"--device", "cuda:1", "--threads", "2"},
       "--threads has no effect with --device cuda:1; leave it out, or give --device cpu"},
      {{"--no-verify"}, "--no-verify has no effect without --resume or --init; leave it out"},
      {{"--resume", "a.tar", "--init", "b.tar"}, "give one of them"},
  };
  for (const Row& row : rows) {
    Arguments all = {"--data", "synthetic"};
    all.insert(all.end(), row.arguments.begin(), row.arguments.end());
    expect_refused(train(all), 2, row.text);
  }
}

/// The options of a run by SGD on a CPU with a constant rate.
TrainOptions plain_options() {
  TrainOptions options;
  options.config.data = "synthetic";
  options.config.scheduler = "none";
  return options;
}

bool is_useless(const TrainOptions& options, const std::string& option) {
  const std::vector<Conflict> rows = conflicts_of(options);
  return std::any_of(rows.begin(), rows.end(), [&option](const Conflict& row) {
    return row.option == option && row.is_useless;
  });
}

// Each option of the table has a setting in which it is taken, so that no row refuses always.
TEST_F(OptionConflicts, EachHasAUse) {
  TrainOptions options = plain_options();
  options.config.optimizer = "sgd";
  options.config.momentum = 0.9;
  for (const char* const option : {"--momentum", "--nesterov", "--threads"}) {
    EXPECT_FALSE(is_useless(options, option)) << option;
  }
  const std::pair<const char*, const char*> schedulers[] = {
      {"step", "--step-size"},   {"restarts", "--step-size"}, {"step", "--gamma"},
      {"multistep", "--gamma"},  {"exponential", "--gamma"},  {"multistep", "--milestones"},
      {"polynomial", "--power"},
  };
  for (const auto& [scheduler, option] : schedulers) {
    options.config.scheduler = scheduler;
    EXPECT_FALSE(is_useless(options, option)) << scheduler << ' ' << option;
  }
  options.device = Device::parse("cuda");
  for (const char* const option : {"--tf32", "--graph"}) {
    EXPECT_FALSE(is_useless(options, option)) << option;
  }
  options.config.normalize = true;  // the images are measured on the CPU
  EXPECT_FALSE(is_useless(options, "--threads"));
  options.init = "model.pt";
  EXPECT_FALSE(is_useless(options, "--no-verify"));
}

TEST_F(OptionConflicts, OtherProgramsHaveSomeToo) {
  expect_refused(
      predict({"x.tar", "x.png", "--device", "cuda", "--threads", "2"}), 2,
      "--threads has no effect with --device cuda:0; leave it out, or give --device cpu");
  expect_refused(run("synthetic", {at("new"), "--png", "3", "--train", "5"}, dir_.path()), 2,
                 "--train has no effect with --png 3, which writes test digits alone; leave it");
  expect_refused(run("synthetic", {at("new"), "--png", "3", "--test", "2"}, dir_.path()), 2,
                 "--test has no effect with --png 3, since 2 are fewer; give --test 3 or more");
  EXPECT_FALSE(std::filesystem::exists(at("new")));
  EXPECT_EQ(run("synthetic", {at("new"), "--png", "3", "--test", "5"}, dir_.path()).status, 0);
}

class ResumedConflicts : public Programs {
 protected:
  void SetUp() override {
    Programs::SetUp();
    ASSERT_EQ(train(training("run", {"--epochs", "1", "--scheduler", "step"})).status, 0);
  }
};

// What the run in the file decides is named with both values.
TEST_F(ResumedConflicts, ARunsOwnOptionsAreNotOverridden) {
  const std::vector<Row> rows = {
      {{"--lr", "0.5"}, "--lr is 0.5, there it is 0.001"},
      {{"--seed", "1"}, "--seed is 1, there it is 0"},
      {{"--normalize"}, "--normalize is yes, there it is no"},
      {{"--color"}, "--color is yes, there it is no"},
      {{"--val-split", "0.5"}, "--val-split is 0.5, there it is 0"},
      {{"--scheduler", "none"}, "--scheduler is none, there it is step"},
      {{"--batch-size", "1", "--optimizer", "sgd"},
       "--batch-size is 1, there it is 32; --optimizer is sgd, there it is adam"},
  };
  for (const Row& row : rows) {
    Arguments all = {"--resume", at("run/last.tar")};
    all.insert(all.end(), row.arguments.begin(), row.arguments.end());
    const ProcessResult result = train(all);
    expect_refused(result, 1, row.text);
    EXPECT_THAT(result.err, HasSubstr("--resume '" + at("run/last.tar") + "'"));
    EXPECT_THAT(result.err, HasSubstr("leave options out to take the checkpoint's, or begin a new "
                                      "run with its weights by --init"));
  }
}

TEST_F(ResumedConflicts, TheRunInTheFileCounts) {
  const Arguments resume = {"--resume", at("run/last.tar")};
  const auto with = [&resume](Arguments more) {
    more.insert(more.begin(), resume.begin(), resume.end());
    return more;
  };
  expect_refused(train(with({"--power", "1"})), 1, "--power has no effect with --scheduler step");
  expect_refused(train(with({"--momentum", "0"})), 1, "no effect with --optimizer adam");
  expect_refused(train(with({"--force"})), 1, "--force has no effect with --resume");
  // What says the same again is a question that has an answer.
  EXPECT_EQ(train(with({"--gamma", "0.1", "--lr", "0.001", "--no-verify"})).status, 0);
}

}  // namespace
}  // namespace wick::testing
