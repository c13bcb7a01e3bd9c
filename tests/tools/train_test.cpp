// SPDX-License-Identifier: MIT
// The program train from outside: what it writes, how it resumes, what it refuses.
#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>

#include "tests/tools/programs_fixture.h"

namespace wick::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class Train : public Programs {};

TEST_F(Train, WritesCheckpointsAndTheAccuracy) {
  const ProcessResult result = train(training("run", {"--epochs", "2", "--lr", "0.01"}));
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("1999 training images"));
  EXPECT_THAT(result.out, HasSubstr("784-32-10, 25450 parameters"));
  EXPECT_THAT(result.out, HasSubstr("epoch 1: loss "));
  EXPECT_THAT(result.out, HasSubstr("samples/s\nsaved   "));
  EXPECT_THAT(last_line(result.out), HasSubstr("test accuracy "));
  EXPECT_THAT(last_line(result.out), HasSubstr("of 300)"));
  EXPECT_THAT(result.err, HasSubstr("Epoch 1/2: 100%|"));
  EXPECT_THAT(result.err, HasSubstr("63/63 ["));
  EXPECT_THAT(result.err, Not(HasSubstr("\r")));

  const Value checkpoint = load(at("run/model_dnn_0.tar"));
  for (const char* const key :
       {"tfs", "opt", "model", "transforms", "scheduler", "generator", "epoch", "step", "loss_sum",
        "best_loss", "first_number", "config", "data"}) {
    EXPECT_TRUE(checkpoint.contains(key)) << key;
  }
  EXPECT_EQ(checkpoint.at("epoch").as_int(), 1);
  EXPECT_TRUE(checkpoint.at("tfs").as_dict().empty());
  EXPECT_EQ(checkpoint.at("transforms").at("to_float").at("scale").as_double(), 1.0 / 255.0);
  EXPECT_EQ(checkpoint.at("model").at("layer1.weight").as_tensor().shape(), (Dims{32, 784}));
  EXPECT_EQ(checkpoint.at("model").at("layer2.bias").as_tensor().shape(), (Dims{10}));
  EXPECT_EQ(checkpoint.at("opt").at("param_groups").at_index(0).at("params").as_list().size(), 4U);
}

// A checkpoint is written when the mean loss has fallen by a tenth; last.tar always is.
TEST_F(Train, KeepsOnlyBetterEpochs) {
  const ProcessResult result =
      train(training("run", {"--epochs", "4", "--lr", "1e-9", "--scheduler", "none"}));
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_TRUE(fs::exists(dir_ / "run/model_dnn_0.tar"));
  EXPECT_FALSE(fs::exists(dir_ / "run/model_dnn_1.tar"));
  EXPECT_FALSE(fs::exists(dir_ / "run/model_dnn_3.tar"));
  EXPECT_EQ(load(at("run/last.tar")).at("epoch").as_int(), 4);
}

TEST_F(Train, TheSameSeedGivesTheSameRunOnAnyNumberOfThreads) {
  ASSERT_EQ(train(training("a", {"--epochs", "2", "--seed", "7"})).status, 0);
  ASSERT_EQ(train(training("b", {"--epochs", "2", "--seed", "7", "--threads", "2"})).status, 0);
  ASSERT_EQ(train(training("c", {"--epochs", "2", "--seed", "8"})).status, 0);
  expect_same_run("a/last.tar", "b/last.tar");
  EXPECT_FALSE(load(at("a/last.tar")).at("model") == load(at("c/last.tar")).at("model"));
}

/// Ways of learning, each with state of its own to resume.
class Resume : public Train, public ::testing::WithParamInterface<Arguments> {};

TEST_P(Resume, AfterAnyEpochEndsAsIfNeverStopped) {
  Arguments options = GetParam();
  options.insert(options.end(), {"--epochs", "3"});
  ASSERT_EQ(train(training("whole", options)).status, 0);
  ASSERT_TRUE(fs::exists(dir_ / "whole/model_dnn_0.tar"));
  // Without options: all are in the checkpoint.
  const ProcessResult result =
      train({"--resume", at("whole/model_dnn_0.tar"), "--checkpoint-dir", at("resumed")});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("resumes after epoch 1"));
  EXPECT_FALSE(fs::exists(dir_ / "resumed/model_dnn_0.tar"));
  expect_same_run("whole/last.tar", "resumed/last.tar");
}

INSTANTIATE_TEST_SUITE_P(
    Ways, Resume,
    ::testing::Values(
        Arguments{}, Arguments{"--optimizer", "adamw", "--val-split", "0.2"},
        Arguments{"--optimizer", "sgd", "--lr", "0.05", "--momentum", "0.9", "--nesterov",
                  "--weight-decay", "1e-4", "--scheduler", "step"},
        Arguments{"--model", "24,16", "--normalize", "--scheduler", "none", "--batch-size", "50"},
        Arguments{"--autocast", "bfloat16", "--optimizer", "adamw"},
        Arguments{"--optimizer", "rmsprop", "--momentum", "0.5", "--scheduler", "onecycle",
                  "--clip-grad-norm", "0.5"},
        Arguments{"--optimizer", "adagrad", "--lr", "0.01", "--scheduler", "multistep",
                  "--milestones", "1,2"},
        Arguments{"--optimizer", "nadam", "--scheduler", "exponential"},
        Arguments{"--optimizer", "radam", "--scheduler", "polynomial", "--power", "2"},
        Arguments{"--optimizer", "adamax", "--scheduler", "restarts"}));

class Stopped : public Train {
 protected:
  // Batches of one make epochs long enough to be hit in the middle.
  Arguments options(const std::string& folder) const {
    return training(folder, {"--epochs", "12", "--batch-size", "1", "--val-split", "0.1"});
  }
  /// Starts a run, waits for its first checkpoint and a little longer, and sends a signal.
  ProcessResult interrupt(const std::string& folder, int signal, int milliseconds) const {
    Process process("train", options(folder), dir_.path());
    while (!fs::exists(dir_ / folder / "last.tar")) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    process.send(signal);
    return process.wait();
  }
};

TEST_F(Stopped, BySigkillLosesNothingButTheEpoch) {
  ASSERT_EQ(train(options("whole")).status, 0);
  const ProcessResult killed = interrupt("killed", SIGKILL, 15);
  ASSERT_EQ(killed.status, 128 + SIGKILL) << "it was over too soon";
  ASSERT_LT(load(at("killed/last.tar")).at("epoch").as_int(), 12);
  const ProcessResult resumed = train({"--resume", at("killed/last.tar")});
  ASSERT_EQ(resumed.status, 0) << resumed.err;
  expect_same_run("whole/last.tar", "killed/last.tar");
}

TEST_F(Stopped, ByCtrlCSavesTheStepAndGoesOnFromIt) {
  ASSERT_EQ(train(options("whole")).status, 0);
  bool mid_epoch = false;
  int attempt = 0;
  for (; attempt < 10 && !mid_epoch; ++attempt) {
    fs::remove_all(dir_ / "stopped");
    const ProcessResult stopped = interrupt("stopped", SIGINT, 7 + attempt);
    ASSERT_EQ(stopped.status, 130) << stopped.err;
    EXPECT_THAT(last_line(stopped.err),
                HasSubstr("go on with: tools/train --resume " + at("stopped/last.tar")));
    const Value checkpoint = load(at("stopped/last.tar"));
    mid_epoch = checkpoint.at("step").as_int() > 0;
  }
  ASSERT_TRUE(mid_epoch) << "no signal came within an epoch";
  const ProcessResult resumed = train({"--resume", at("stopped/last.tar")});
  ASSERT_EQ(resumed.status, 0) << resumed.err;
  expect_same_run("whole/last.tar", "stopped/last.tar");
}

TEST_F(Stopped, BySigtermSavesToo) {
  const ProcessResult stopped = interrupt("stopped", SIGTERM, 9);
  EXPECT_EQ(stopped.status, 128 + SIGTERM);
  EXPECT_THAT(last_line(stopped.err), HasSubstr("--resume"));
  EXPECT_NO_THROW((void)load(at("stopped/last.tar")));
}

TEST_F(Train, MoreEpochsGoOnAsIfTheyHadBeenPlanned) {
  ASSERT_EQ(train(training("run", {"--epochs", "1", "--scheduler", "none"})).status, 0);
  ASSERT_EQ(train({"--resume", at("run/last.tar"), "--epochs", "2"}).status, 0);
  ASSERT_EQ(train(training("whole", {"--epochs", "2", "--scheduler", "none"})).status, 0);
  expect_same_run("whole/last.tar", "run/last.tar");
}

TEST_F(Train, ResumingAnotherRunIsRefusedWithAllDifferences) {
  ASSERT_EQ(train(training("run", {"--epochs", "1"})).status, 0);
  expect_refused(train(training("other", {"--resume", at("run/last.tar"), "--model", "64,32",
                                          "--lr", "0.5", "--optimizer", "sgd"})),
                 1,
                 "--lr is 0.5, there it is 0.001; --model is 64,32, there it is 32; --optimizer is "
                 "sgd, there it is adam");
  write_data("data", 2);
  expect_refused(train({"--resume", at("run/last.tar")}), 1,
                 "the data is not that of the checkpoint: checksum is");
}

TEST_F(Train, UnderAutocastWeightsStayFloat32) {
  const ProcessResult result = train(training("run", {"--epochs", "1", "--autocast", "bfloat16"}));
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("on cpu, autocast bfloat16"));
  ASSERT_EQ(train(training("plain", {"--epochs", "1"})).status, 0);
  const Value rounded = load(at("run/last.tar"));
  const Value plain = load(at("plain/last.tar"));
  const Tensor weight = rounded.at("model").at("layer1.weight").as_tensor();
  EXPECT_EQ(weight.dtype(), DType::float32);
  EXPECT_FALSE(bitwise_equal(weight, weight.to(DType::bfloat16).to(DType::float32)));
  EXPECT_FALSE(bitwise_equal(weight, plain.at("model").at("layer1.weight").as_tensor()));
  expect_refused(train({"--resume", at("plain/last.tar"), "--autocast", "bfloat16"}), 1,
                 "--autocast is bfloat16, there it is none");
}

TEST_F(Train, ResumesCheckpointsOfVersionsWithoutAutocast) {
  ASSERT_EQ(train(training("run", {"--epochs", "1", "--scheduler", "none"})).status, 0);
  Value checkpoint = load(at("run/last.tar"));
  Dict config;
  for (const auto& [key, value] : checkpoint.at("config").as_dict()) {
    if (key != Value("autocast")) config.set(key, value);
  }
  checkpoint.as_dict().set("config", std::move(config));
  save(checkpoint, at("old.tar"));
  const ProcessResult result = train({"--resume", at("old.tar"), "--epochs", "2", "--autocast",
                                      "none", "--checkpoint-dir", at("resumed")});
  ASSERT_EQ(result.status, 0) << result.err;
  ASSERT_EQ(train({"--resume", at("run/last.tar"), "--epochs", "2"}).status, 0);
  expect_same_run("run/last.tar", "resumed/last.tar");
}

TEST_F(Train, WhatAConfigurationNamesMustBeKnown) {
  ASSERT_EQ(train(training("run", {"--epochs", "1", "--scheduler", "none"})).status, 0);
  const std::pair<const char*, std::string> cases[] = {
      {"optimizer",
       "--optimizer is lion; it must be sgd, adam, adamw, rmsprop, adagrad, nadam, radam or "
       "adamax"},
      {"scheduler",
       "--scheduler is lion; it must be none, step, multistep, exponential, linear, polynomial, "
       "cosine, restarts or onecycle"},
      {"autocast", "--autocast is lion; it must be none or bfloat16"}};
  for (const auto& [field, text] : cases) {
    const Value checkpoint = load(at("run/last.tar"));
    checkpoint.at("config").as_dict().set(field, "lion");
    save(checkpoint, at("lion.tar"));
    expect_refused(train({"--resume", at("lion.tar"), "--epochs", "2"}), 1, text);
  }
}

// What a run does with subnormal numbers stays as it began: from its start on, or never.
TEST_F(Train, RunsFlushDenormalsUnlessTheyBeganWithout) {
  ASSERT_EQ(train(training("run", {"--epochs", "1", "--scheduler", "none"})).status, 0);
  Value checkpoint = load(at("run/last.tar"));
  EXPECT_TRUE(checkpoint.at("config").at("flush_denormal").as_bool());
  Dict config;
  for (const auto& [key, value] : checkpoint.at("config").as_dict()) {
    if (key != Value("flush_denormal")) config.set(key, value);
  }
  checkpoint.as_dict().set("config", std::move(config));
  save(checkpoint, at("old.tar"));
  for (const char* const name : {"old.tar", "run/last.tar"}) {
    const ProcessResult result = train(
        {"--resume", at(name), "--epochs", "2", "--checkpoint-dir", at("resumed"), "--force"});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_EQ(load(at("resumed/last.tar")).at("config").at("flush_denormal").as_bool(),
              std::string(name) == "run/last.tar");
  }
}

TEST_F(Train, AFinishedRunIsOnlyTested) {
  ASSERT_EQ(train(training("run", {"--epochs", "1"})).status, 0);
  const ProcessResult again = train({"--resume", at("run/last.tar")});
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("test accuracy"));
  EXPECT_EQ(again.err, "");
}

TEST_F(Train, CheckpointsThatNoRunCanResumeAreRefused) {
  expect_refused(train({"--resume", at("none.tar")}), 1, "No such file");
  expect_refused(train({"--resume", at("data/train-labels-idx1-ubyte.gz")}), 1, "not a checkpoint");
  save(Dict{{"model", Dict{}}}, at("plain.tar"));
  expect_refused(train({"--resume", at("plain.tar")}), 1,
                 "keeps no configuration of a run, so that none can be resumed from it; "
                 "a new run starts from its weights by --init");

  ASSERT_EQ(train(training("run", {"--epochs", "1"})).status, 0);
  Value checkpoint = load(at("run/last.tar"));
  checkpoint.as_dict().set("generator", Tensor::zeros({3}, DType::uint8));
  save(checkpoint, at("broken.tar"));
  expect_refused(train({"--resume", at("broken.tar")}), 1, "cannot resume from");
  fs::resize_file(at("run/last.tar"), fs::file_size(at("run/last.tar")) / 2);
  expect_refused(train({"--resume", at("run/last.tar")}), 1, at("run/last.tar"));
}

TEST_F(Train, AFullDiskLeavesTheGoodCheckpoint) {
  ASSERT_EQ(train(training("run", {"--epochs", "1", "--scheduler", "none"})).status, 0);
  const Value before = load(at("run/last.tar"));
  Process process("train", {"--resume", at("run/last.tar"), "--epochs", "3", "--model", "32"},
                  dir_.path(), {.file_limit = 100000});
  const ProcessResult result = process.wait();
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(last_line(result.err), HasSubstr("run/model_dnn_1.tar"));
  EXPECT_TRUE(load(at("run/last.tar")) == before);
  // No half-written file is left beside it.
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_ / "run"), {}), 2);
}

TEST_F(Train, ALossThatIsNoNumberStopsAndSavesNothing) {
  const ProcessResult result =
      train(training("run", {"--optimizer", "sgd", "--lr", "1e30", "--epochs", "3"}));
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(last_line(result.err), HasSubstr("in Epoch 1/3; a lower --lr may help"));
  EXPECT_TRUE(fs::is_empty(dir_ / "run"));
}

TEST_F(Train, AnUnusableCheckpointDirIsSaidBeforeTraining) {
  std::ofstream(at("file")) << "x";
  ProcessResult result = train({"--data", at("data"), "--checkpoint-dir", at("file")});
  expect_refused(result, 1, "checkpoint folder '" + at("file"));
  EXPECT_EQ(result.out, "");
  result = train({"--data", at("data"), "--checkpoint-dir", "/proc/nothing"});
  expect_refused(result, 1, "/proc/nothing");
  EXPECT_EQ(result.out, "");
}

TEST_F(Train, NonsenseOptionsAreRefusedInOneLine) {
  const std::vector<std::pair<Arguments, std::string>> cases = {
      {{}, "--data is missing"},
      {{"--data", "synthetic", "--epochs", "-1"}, "--epochs is -1"},
      {{"--data", "synthetic", "--epochs", "x"}, "--epochs"},
      {{"--data", "synthetic", "--epochs", "1.5"}, "--epochs is 1.5; it must be a whole number"},
      {{"--data", "synthetic", "--batch-size", "0"}, "--batch-size is 0"},
      {{"--data", "synthetic", "--lr", "0"}, "--lr is 0"},
      {{"--data", "synthetic", "--lr", "nan"}, "--lr is nan"},
      {{"--data", "synthetic", "--lr", "inf"}, "--lr is inf"},
      {{"--data", "synthetic", "--lr", "fast"}, "--lr"},
      {{"--data", "synthetic", "--model", "32,"}, "--model"},
      {{"--data", "synthetic", "--model", "0"}, "--model is 0"},
      {{"--data", "synthetic", "--model", "many"}, "--model is many"},
      {{"--data", "synthetic", "--optimizer", "lion"}, "--optimizer is lion; it must be"},
      {{"--data", "synthetic", "--scheduler", "magic"}, "--scheduler is magic; it must"},
      {{"--data", "synthetic", "--autocast", "float16"},
       "--autocast is float16; it must be none or bfloat16; did you mean bfloat16?"},
      {{"--data", "synthetic", "--momentum", "0.9"}, "--optimizer sgd"},
      {{"--data", "synthetic", "--optimizer", "sgd", "--nesterov"},
       "--nesterov has no effect with --momentum 0"},
      {{"--data", "synthetic", "--optimizer", "rmsprop", "--nesterov"},
       "--nesterov has no effect with --optimizer rmsprop"},
      {{"--data", "synthetic", "--scheduler", "multistep"}, "needs --milestones"},
      {{"--data", "synthetic", "--scheduler", "multistep", "--milestones", "2,x"},
       "--milestones is 2,x"},
      {{"--data", "synthetic", "--milestones", "0"}, "--milestones is 0"},
      {{"--data", "synthetic", "--power", "0"}, "--power is 0"},
      {{"--data", "synthetic", "--clip-grad-norm", "-1"}, "--clip-grad-norm is -1"},
      {{"--data", "synthetic", "--weight-decay", "-1"}, "--weight-decay is -1"},
      {{"--data", "synthetic", "--val-split", "1"}, "--val-split is 1"},
      {{"--data", "synthetic", "--seed", "-3"}, "--seed is -3"},
      {{"--data", "synthetic", "--seed", "99999999999999999999"}, "must be a whole number"},
      {{"--data", "synthetic", "--threads", "0"}, "--threads is 0"},
      {{"--data", "synthetic", "--device", "tpu"},
       "--device is tpu; it must be cpu, cuda or cuda:N"},
      {{"--data", "synthetic", "--device", "meta"}, "--device is meta"},
      {{"--data", "synthetic", "--lr", ""}, "--lr has an empty value"},
      {{"--data", "synthetic", "--lr="}, "--lr has an empty value"},
      {{"--data", "synthetic", "--resume", ""}, "--resume has an empty value"},
      {{"--data", "synthetic", "--checkpoint-dir", ""}, "--checkpoint-dir has an empty value"},
      {{"--data", "synthetic", ""}, "argument 3 is empty"},
      {{"--data", "synthetic", "--bogus"}, "--bogus"},
      {{"--data", "synthetic", "surplus"}, "surplus"},
      {{"--lr"}, "--lr"},
  };
  for (const auto& [arguments, text] : cases) expect_refused(train(arguments), 2, text);
}

TEST_F(Train, BadDataAndDevicesAreRefusedInOneLine) {
  expect_refused(train({"--data", at("nowhere")}), 1, "nowhere': No such file");
  const ProcessResult no_device = train(training("run", {"--device", "cuda:99"}));
  expect_refused(no_device, 1, "--device cuda:99: ");
  EXPECT_THAT(no_device.err, HasSubstr("--device cpu"));
  EXPECT_THAT(no_device.err, Not(HasSubstr("map_location")));
  fs::resize_file(at("data/train-images-idx3-ubyte.gz"), 5000);
  expect_refused(train(training("run")), 1, "train-images-idx3-ubyte.gz: the gzip data");
}

TEST_F(Train, HelpNamesEveryOption) {
  const ProcessResult help = train({"--help"});
  EXPECT_EQ(help.status, 0);
  for (const char* const option :
       {"--data", "--model", "--epochs", "--batch-size", "--lr", "--optimizer", "--seed",
        "--device", "--threads", "--autocast", "--clip-grad-norm", "--milestones", "--val-split",
        "--checkpoint-dir", "--resume"}) {
    EXPECT_THAT(help.out, HasSubstr(option));
  }
}

double accuracy_of(const ProcessResult& result) {
  const std::size_t at = result.out.find("test accuracy ");
  return at == std::string::npos ? 0 : std::stod(result.out.substr(at + 14));
}

TEST_F(Train, LearnsSyntheticDigits) {
  for (const char* const scheduler : {"cosine", "none"}) {
    const ProcessResult result =
        train({"--data", "synthetic", "--epochs", "2", "--lr", "0.01", "--batch-size", "32",
               "--scheduler", scheduler, "--checkpoint-dir", at(scheduler)});
    ASSERT_EQ(result.status, 0) << result.err;
    EXPECT_GE(accuracy_of(result), 97.0) << scheduler;
  }
}

TEST_F(Train, LearnsMnist) {
  const auto mnist = mnist_dir();
  if (!mnist) GTEST_SKIP() << "MNIST is not there: set WICK_MNIST to its folder";
  const ProcessResult result = train({"--data", mnist->string(), "--epochs", "2", "--lr", "0.01",
                                      "--batch-size", "32", "--checkpoint-dir", at("run")});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_GE(accuracy_of(result), 95.0);
}

TEST_F(Train, LearnsMnistBetterWithMoreNeurons) {
  const auto mnist = mnist_dir();
  if (!mnist) GTEST_SKIP() << "MNIST is not there: set WICK_MNIST to its folder";
#ifdef WICK_SLOW_BUILD
  GTEST_SKIP() << "too long without optimisation";
#endif
  const ProcessResult result =
      train({"--data", mnist->string(), "--epochs", "3", "--model", "512,512", "--batch-size", "64",
             "--checkpoint-dir", at("run")});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_GE(accuracy_of(result), 98.0);
}

}  // namespace
}  // namespace wick::testing
