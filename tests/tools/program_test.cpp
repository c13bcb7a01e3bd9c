// SPDX-License-Identifier: MIT
// What all programs do where the system refuses to write, or sends signals.
#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/tools/programs_fixture.h"

namespace wick::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ProgramOutput : public Programs {
 protected:
  [[nodiscard]] ProcessResult start(const std::string& program, const Arguments& arguments,
                                    const ProcessOptions& options) const {
    return run(program, arguments, dir_.path(), options);
  }
  void save_model() const { save(Dict{{"w.weight", Tensor::zeros({10, 784})}}, at("model.pt")); }
};

// ulimit -f, whose signal would end a program that does not ignore it.
TEST_F(ProgramOutput, FilesThatMayNotGrowAreAnErrorAndLeaveNothing) {
  save(Dict{{"w", Tensor::zeros({1000, 100})}}, at("big.pt"));
  fs::create_directories(dir_ / "out");
  const ProcessOptions limited{.file_limit = 50000};
  for (const char* const target : {"out/big.pt", "out/big.safetensors", "out/big.npz"}) {
    const ProcessResult result = start("ckpt", {"convert", at("big.pt"), at(target)}, limited);
    expect_refused(result, 1, "File too large");
    EXPECT_THAT(result.err, HasSubstr(target));
    EXPECT_TRUE(fs::is_empty(dir_ / "out")) << target;
  }
  expect_refused(start("synthetic", {at("out"), "--train", "2000"}, limited), 1, "File too large");
  EXPECT_TRUE(fs::is_empty(dir_ / "out"));
  const ProcessResult trained = start("train", training("run", {"--epochs", "1"}), limited);
  EXPECT_EQ(trained.status, 1);
  EXPECT_THAT(last_line(trained.err), HasSubstr("File too large"));
  EXPECT_TRUE(fs::is_empty(dir_ / "run"));
}

TEST_F(ProgramOutput, AFullStandardOutputIsAnErrorInEveryProgram) {
  save_model();
  const std::pair<std::string, Arguments> cases[] = {
      {"train", {"--help"}},
      {"predict", {"--help"}},
      {"synthetic", {"--help"}},
      {"ckpt", {"--help"}},
      {"train", {"--version"}},
      {"predict", {"--version"}},
      {"synthetic", {"--version"}},
      {"ckpt", {"--version"}},
      {"ckpt", {"ls", at("model.pt")}},
      {"ckpt", {"show", at("model.pt")}},
      {"ckpt", {"verify", at("model.pt")}},
      {"ckpt", {"verify", at("model.pt"), at("model.pt")}},
      {"ckpt", {"ls", at("model.pt"), at("model.pt")}},
      {"ckpt", {"diff", at("model.pt"), at("model.pt")}},
      {"ckpt", {"convert", at("model.pt"), at("out.pt")}},
      {"synthetic", {at("digits"), "--train", "5", "--test", "5"}},
      {"synthetic", {at("digits"), "--png", "1"}},
      {"train", training("run", {"--epochs", "1"})},
  };
  for (const auto& [program, arguments] : cases) {
    expect_refused(start(program, arguments, {.file_limit = {}, .output = "/dev/full"}), 1,
                   program + ": cannot write to standard output");
  }
  const ProcessResult predicted = start("predict", {at("model.pt"), "--data", at("data")},
                                        {.file_limit = {}, .output = "/dev/full"});
  EXPECT_EQ(predicted.status, 1);
  EXPECT_EQ(last_line(predicted.err).rfind("predict: cannot write to standard output", 0), 0U);
}

// A file that is opened next must not get the number of a standard output that is closed.
TEST_F(ProgramOutput, AClosedStandardOutputIsAnErrorAndInNoFile) {
  save_model();
  const std::pair<std::string, Arguments> cases[] = {
      {"ckpt", {"ls", at("model.pt")}},
      {"ckpt", {"convert", at("model.pt"), at("out.pt")}},
      {"synthetic", {at("digits"), "--train", "5", "--test", "5"}},
      {"train", training("run", {"--epochs", "1"})},
      {"train", {"--help"}},
  };
  for (const auto& [program, arguments] : cases) {
    for (const std::vector<int>& closed : {std::vector{1}, {0, 1}}) {
      fs::remove_all(dir_ / "digits");
      const ProcessResult result = start(program, arguments, {.closed = closed});
      expect_refused(result, 1, program + ": cannot write to standard output: Bad file descriptor");
    }
  }
  EXPECT_TRUE(load(at("out.pt")) == load(at("model.pt")));
  // With nobody to be told, files are what they are otherwise.
  ASSERT_EQ(start("train", training("silent", {"--epochs", "1"}), {.closed = {0, 2}}).status, 0);
  ASSERT_EQ(start("train", training("loud", {"--epochs", "1"}), {}).status, 0);
  expect_same_run("silent/last.tar", "loud/last.tar");
}

TEST_F(ProgramOutput, AReaderThatGoesAwayEndsProgramsQuietly) {
  save_model();
  const ProcessResult listed =
      start("ckpt", {"ls", at("model.pt")}, {.file_limit = {}, .unread_output = true});
  EXPECT_EQ(listed.status, 0);
  EXPECT_EQ(listed.err, "");
  // Before its first step there is nothing to save.
  const ProcessResult trained =
      start("train", training("run", {"--epochs", "1"}), {.file_limit = {}, .unread_output = true});
  EXPECT_EQ(trained.status, 128 + SIGPIPE);
  EXPECT_EQ(trained.err, "");
  EXPECT_TRUE(fs::is_empty(dir_ / "run"));
}

TEST_F(ProgramOutput, TrainSavesBeforeItEndsForWantOfAReader) {
  // head goes away after the first epoch's line, long before the last epoch.
  const std::string command = std::string(WICK_BIN) + "/train --data '" + at("data") +
                              "' --epochs 200 --scheduler none --checkpoint-dir '" + at("run") +
                              "' 2>'" + at("err") + "' | head -4 >/dev/null";
  ASSERT_EQ(std::system(command.c_str()), 0);
  std::ifstream err(at("err"));
  const std::string text{std::istreambuf_iterator<char>(err), {}};
  EXPECT_THAT(last_line(text), HasSubstr("go on with: tools/train --resume " + at("run/last.tar")));
  const std::int64_t epoch = load(at("run/last.tar")).at("epoch").as_int();
  EXPECT_LT(epoch, 200);
  EXPECT_THAT(last_line(text), HasSubstr("stopped in epoch " + std::to_string(epoch + 1)));
}

/// Starts a long training and sends a signal after its first epoch.
class ProgramSignals : public Programs {
 protected:
  [[nodiscard]] ProcessResult train_until(int signal, const ProcessOptions& options = {}) const {
    Process process("train",
                    training("run", {"--epochs", "40", "--batch-size", "4", "--scheduler", "none"}),
                    dir_.path(), options);
    while (!fs::exists(dir_ / "run/last.tar")) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    process.send(signal);
    return process.wait();
  }
};

TEST_F(ProgramSignals, SighupSavesAsSigtermDoes) {
  for (const int signal : {SIGHUP, SIGTERM, SIGINT}) {
    fs::remove_all(dir_ / "run");
    const ProcessResult result = train_until(signal);
    EXPECT_EQ(result.status, 128 + signal);
    EXPECT_THAT(last_line(result.err), HasSubstr("go on with: tools/train --resume"));
    EXPECT_NO_THROW((void)load(at("run/last.tar")));
  }
}

TEST_F(ProgramSignals, WhatIsIgnoredAtTheStartStaysIgnored) {
  for (const int signal : {SIGHUP, SIGTERM, SIGINT}) {
    fs::remove_all(dir_ / "run");
    const ProcessResult result =
        train_until(signal, {.file_limit = {}, .ignored_signals = {signal}});
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(load(at("run/last.tar")).at("epoch").as_int(), 40);
  }
}

TEST_F(Programs, PipesAreRefusedInsteadOfWaitedFor) {
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  save(Dict{{"w.weight", Tensor::zeros({10, 784})}}, at("model.pt"));
  const auto refused = [this](const std::string& program, const Arguments& arguments) {
    const ProcessResult result = run(program, arguments, dir_.path());
    EXPECT_EQ(result.status, 1) << program;
    EXPECT_THAT(result.err, HasSubstr("no")) << program;
  };
  refused("predict", {at("pipe"), "x.png"});
  refused("predict", {at("model.pt"), at("pipe")});
  refused("train", {"--data", at("pipe")});
  refused("train", {"--resume", at("pipe")});
  refused("ckpt", {"ls", at("pipe")});
  fs::remove(dir_ / "data/train-images-idx3-ubyte.gz");
  ASSERT_EQ(::mkfifo(at("data/train-images-idx3-ubyte").c_str(), 0600), 0);
  refused("train", training("run"));
  refused("predict", {at("model.pt"), "--data", at("data")});
}

}  // namespace
}  // namespace wick::testing
