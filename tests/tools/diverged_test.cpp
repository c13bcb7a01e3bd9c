// SPDX-License-Identifier: MIT
// A run that has diverged is not saved over one that can go on.
#include <chrono>
#include <csignal>
#include <fstream>
#include <limits>
#include <thread>

#include <gmock/gmock.h>

#include "tests/tools/programs_fixture.h"
#include "tools/cli/divergence.h"
#include "tools/data/synthetic.h"

namespace wick::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Diverged : public Programs {
 protected:
  /// One step per epoch, so that what goes wrong does so in the last one.
  [[nodiscard]] Arguments steep(const std::string& folder, const std::string& lr,
                                const Arguments& more = {}) const {
    Arguments all = training(folder, {"--optimizer", "sgd", "--scheduler", "none", "--batch-size",
                                      "2000", "--epochs", "3", "--lr", lr});
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
};

TEST_F(Diverged, InTheLastStepOfAnEpochIsNotSaved) {
  for (const Arguments& more : {Arguments{}, Arguments{"--val-split", "0.2"}}) {
    fs::remove_all(dir_ / "run");
    const ProcessResult result = train(steep("run", "1e30", more));
    EXPECT_EQ(result.status, 1);
    EXPECT_THAT(last_line(result.err), HasSubstr(" in Epoch 1/3; a lower --lr may help"));
    EXPECT_TRUE(fs::is_empty(dir_ / "run"));
  }
}

TEST_F(Diverged, LeavesTheLastGoodFile) {
  // The first step gives weights of some 1e13: a bad network, but one of numbers. The second
  // squares them.
  const ProcessResult result = train(steep("run", "1e15"));
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(last_line(result.err), HasSubstr(" in Epoch 2/3; a lower --lr may help"));
  const Value last = load(at("run/last.tar"));
  EXPECT_EQ(last.at("epoch").as_int(), 1);
  EXPECT_TRUE(last == load(at("run/model_dnn_0.tar")));
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_ / "run"), {}), 2);
}

TEST_F(Diverged, IsNotSavedOnCtrlCEither) {
  // A step of this network takes long enough for the signal to come before it ends; its loss is
  // that of the weights before it.
  bool stopped = false;
  for (int attempt = 0; attempt < 5 && !stopped; ++attempt) {
    fs::remove_all(dir_ / "run");
    Process process(
        "train",
        training("run", {"--optimizer", "sgd", "--scheduler", "none", "--batch-size", "1000",
                         "--epochs", "3", "--lr", "1e30", "--model", "2048,2048"}),
        dir_.path());
    while (!fs::exists(dir_ / "run")) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const auto said = [this] {
      std::ifstream file(dir_ / "stdout");
      const std::string text{std::istreambuf_iterator<char>(file), {}};
      return text.find("learns") != std::string::npos;
    };
    while (!said()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(10 * (attempt + 1)));
    process.send(SIGINT);
    const ProcessResult result = process.wait();
    EXPECT_TRUE(fs::is_empty(dir_ / "run"));
    if (result.status == 128 + SIGINT) continue;  // it came before the program expected it
    EXPECT_EQ(result.status, 1) << result.err;
    EXPECT_THAT(last_line(result.err), HasSubstr(" in Epoch 1/3; a lower --lr may help"));
    stopped = true;
  }
  EXPECT_TRUE(stopped);
}

TEST_F(Diverged, CheckpointsAreNotResumed) {
  ASSERT_EQ(train(training("run", {"--epochs", "1"})).status, 0);
  Value checkpoint = load(at("run/last.tar"));
  checkpoint.at("model").at("layer1.bias").as_tensor().data<float>()[3] =
      std::numeric_limits<float>::quiet_NaN();
  save(checkpoint, at("nan.tar"));
  expect_refused(train({"--resume", at("nan.tar")}), 1,
                 "the run has diverged: layer1.bias has 1 of 32 values that are not finite");
}

TEST(FindDivergence, LooksAtWeightsAndTheOptimizersState) {
  const tools::Dataset digits = tools::synthetic_digits(64, 1);
  tools::TrainConfig config;
  config.data = "synthetic";
  tools::RunState run = tools::new_run(config, digits, kCpu, 2);
  for (const ParameterPtr& parameter : run.model->parameters()) {
    parameter->grad.fill_(0.5);
    parameter->has_grad = true;
  }
  run.optimizer->step();
  EXPECT_EQ(tools::find_divergence(run), "");

  const Value moments = run.optimizer->state_dict().at("state").at(2);
  float& moment = moments.at("exp_avg_sq").as_tensor().data<float>()[319];
  moment = std::numeric_limits<float>::infinity();
  EXPECT_EQ(tools::find_divergence(run),
            "the optimizer's exp_avg_sq of layer2.weight has 1 of 320 values that are not finite");
  moment = 0;
  const Tensor weight = run.model->state_dict().at("layer1.weight");
  weight.data<float>()[25087] = -std::numeric_limits<float>::infinity();
  weight.data<float>()[17] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(tools::find_divergence(run), "layer1.weight has 2 of 25088 values that are not finite");
  weight.fill_(std::numeric_limits<float>::max());
  EXPECT_EQ(tools::find_divergence(run), "");
}

}  // namespace
}  // namespace wick::testing
