// SPDX-License-Identifier: MIT
// The training program's loop on a device: what it learns, and that a stop changes nothing.
#include "tools/cli/trainer.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "tests/device/device_under_test.h"
#include "tools/cli/evaluate.h"
#include "tools/data/synthetic.h"
#include "wick/optim/adam.h"

namespace wick::tools {
namespace {

using wick::testing::kCuda;
using wick::testing::OnDevice;

using TrainerOnDevice = OnDevice;

constexpr std::int64_t kCount = 330;  // ten batches, and ten images more

struct Session {
  Dataset digits = synthetic_digits(kCount, 1);
  RunState run;
  std::unique_ptr<Trainer> trainer;

  explicit Session(Device device, std::vector<std::int64_t> model = {32},
                   std::string autocast = "none", bool whole_steps = true, bool amsgrad = false) {
    TrainConfig config;
    config.model = std::move(model);
    config.autocast = std::move(autocast);
    config.data = "synthetic";
    config.epochs = 2;
    run = new_run(config, digits, device, steps_for(kCount, config.batch_size));
    digits.images = digits.images.to(device);
    digits.labels = digits.labels.to(device);
    if (amsgrad) {
      run.scheduler.reset();
      run.optimizer = std::make_unique<optim::Adam>(run.model->parameters(),
                                                    optim::AdamOptions{.amsgrad = true});
    }
    trainer = std::make_unique<Trainer>(run, digits.images, digits.labels,
                                        split_training(kCount, 0, 0), whole_steps);
  }
  EpochResult epoch() {
    return trainer->run_epoch([](std::int64_t, double) { return true; });
  }
};

void expect_learning_as_on_the_cpu(const std::vector<std::int64_t>& model,
                                   const std::string& autocast, double tolerance) {
  Session here(kCpu, model, autocast);
  Session there(kCuda, model, autocast);
  for (int epoch = 0; epoch < 2; ++epoch) {
    const EpochResult expected = here.epoch();
    const EpochResult actual = there.epoch();
    EXPECT_NEAR(actual.loss_mean, expected.loss_mean, tolerance);
    EXPECT_EQ(actual.samples, kCount);
    // In between, the layers are given larger batches, and so other memory.
    const Score wanted =
        evaluate(*here.run.model, here.run.transforms, here.digits.images, here.digits.labels);
    const Score score =
        evaluate(*there.run.model, there.run.transforms, there.digits.images, there.digits.labels);
    EXPECT_NEAR(score.loss, wanted.loss, tolerance);
    EXPECT_NEAR(static_cast<double>(score.hits), static_cast<double>(wanted.hits),
                tolerance < 1e-3 ? 1.0 : 5.0);
  }
}

TEST_F(TrainerOnDevice, WithoutTheKernelForWholeSteps) {
  // By choice, and for an optimizer that it does not know.
  for (const bool amsgrad : {false, true}) {
    Session here(kCpu, {32}, "none", true, amsgrad);
    Session there(kCuda, {32}, "none", amsgrad, amsgrad);
    for (int epoch = 0; epoch < 2; ++epoch) {
      EXPECT_NEAR(there.epoch().loss_mean, here.epoch().loss_mean, 1e-4);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      testing::expect_near(there.run.model->parameters()[i]->value,
                           here.run.model->parameters()[i]->value, 1e-3);
    }
  }
}

TEST_F(TrainerOnDevice, LearnsAsOnTheCpu) {
  // A small network, which has a kernel of its own, and one that is recorded.
  for (const std::vector<std::int64_t>& model : {std::vector<std::int64_t>{32}, {24, 16}}) {
    expect_learning_as_on_the_cpu(model, "none", 1e-4);
    expect_learning_as_on_the_cpu(model, "bfloat16", 1e-2);
  }
}

// The kernel for small networks would compute in float32.
TEST_F(TrainerOnDevice, AutocastIsWhatSmallNetworksAreTrainedIn) {
  Session plain(kCuda);
  Session rounded(kCuda, {32}, "bfloat16");
  Session there(kCpu, {32}, "bfloat16");
  const double without = plain.epoch().loss_mean;
  const double with = rounded.epoch().loss_mean;
  const double wanted = there.epoch().loss_mean;
  EXPECT_LT(std::fabs(with - wanted), std::fabs(without - wanted) / 2);
}

TEST_F(TrainerOnDevice, AStopChangesNothing) {
  const std::pair<std::vector<std::int64_t>, const char*> cases[] = {
      {{32}, "none"}, {{24, 16}, "none"}, {{24, 16}, "bfloat16"}};
  for (const auto& [model, autocast] : cases) {
    Session whole(kCuda, model, autocast);
    Session parts(kCuda, model, autocast);
    const EpochResult wanted = whole.epoch();
    const EpochResult stopped =
        parts.trainer->run_epoch([](std::int64_t, double) { return false; });
    EXPECT_TRUE(stopped.stopped);
    EXPECT_EQ(parts.run.position.step, 10);
    EXPECT_EQ(parts.epoch().loss_mean, wanted.loss_mean);
    EXPECT_TRUE(parts.run.model->state_dict().to_value() ==
                whole.run.model->state_dict().to_value());
    EXPECT_TRUE(parts.run.optimizer->state_dict() == whole.run.optimizer->state_dict());
  }
}

}  // namespace
}  // namespace wick::tools
