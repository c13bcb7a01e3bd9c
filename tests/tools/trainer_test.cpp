// SPDX-License-Identifier: MIT
// The training loop from inside: no allocations, the documented random stream, the held-out part.
#include "tools/cli/trainer.h"

#include <utility>

#include <gmock/gmock.h>

#include "tests/count_allocations.h"
#include "tests/support.h"
#include "tools/cli/digit_net.h"
#include "tools/data/synthetic.h"

namespace wick::tools {
namespace {

using wick::testing::allocation_count;

TrainConfig small_config() {
  TrainConfig config;
  config.data = "synthetic";
  config.epochs = 2;
  config.batch_size = 32;
  return config;
}

TEST(Trainer, AllocatesNothingInAStepAfterTheSecond) {
  const Dataset digits = synthetic_digits(640, 1);
  const std::pair<const char*, const char*> cases[] = {{"adam", "none"},
                                                       {"adamw", "none"},
                                                       {"sgd", "none"},
                                                       {"rmsprop", "none"},
                                                       {"adam", "bfloat16"}};
  for (const auto& [optimizer, autocast] : cases) {
    TrainConfig config = small_config();
    config.optimizer = optimizer;
    config.autocast = autocast;
    config.momentum = config.optimizer == "sgd" ? 0.9 : 0.0;
    config.clip_grad_norm = config.optimizer == "rmsprop" ? 0.1 : 0.0;
    RunState run = new_run(config, digits, kCpu, steps_for(digits.size(), config.batch_size));
    Trainer trainer(run, digits.images, digits.labels, split_training(digits.size(), 0, 0));
    std::vector<std::size_t> counts;
    counts.reserve(100);
    for (int epoch = 0; epoch < 2; ++epoch) {
      (void)trainer.run_epoch([&](std::int64_t, double) {
        counts.push_back(allocation_count());
        return true;
      });
    }
    ASSERT_EQ(counts.size(), 40U);
    EXPECT_EQ(counts[19], counts[1]) << optimizer;
    EXPECT_EQ(counts[39], counts[20]) << optimizer;
  }
}

// torch.Generator().manual_seed(seed) draws the weights in order and then one randperm per epoch.
TEST(Trainer, DrawsWeightsThenAPermutationPerEpoch) {
  const Dataset digits = synthetic_digits(64, 1);
  TrainConfig config = small_config();
  config.seed = 11;
  RunState run = new_run(config, digits, kCpu, 2);
  Generator expected(11);
  const auto model = make_digit_net({784, 32, 10}, expected);
  const StateDict weights = model->state_dict();
  const StateDict drawn = run.model->state_dict();
  for (const auto& [name, tensor] : weights) EXPECT_TRUE(bitwise_equal(tensor, drawn.at(name)));
  Trainer trainer(run, digits.images, digits.labels, split_training(64, 0, 11));
  (void)trainer.run_epoch([](std::int64_t, double) { return true; });
  (void)expected.randperm(64);
  EXPECT_TRUE(bitwise_equal(run.generator.get_state(), expected.get_state()));
}

TEST(Trainer, AStopKeepsThePlaceAndTheStream) {
  const Dataset digits = synthetic_digits(320, 1);
  RunState whole = new_run(small_config(), digits, kCpu, 10);
  RunState parts = new_run(small_config(), digits, kCpu, 10);
  Trainer one(whole, digits.images, digits.labels, split_training(320, 0, 0));
  Trainer two(parts, digits.images, digits.labels, split_training(320, 0, 0));
  const EpochResult wanted = one.run_epoch([](std::int64_t, double) { return true; });
  const EpochResult stopped = two.run_epoch([](std::int64_t step, double) { return step < 4; });
  EXPECT_TRUE(stopped.stopped);
  EXPECT_EQ(stopped.samples, 128);
  EXPECT_EQ(parts.position.step, 4);
  EXPECT_EQ(parts.position.epoch, 0);
  const EpochResult rest = two.run_epoch([](std::int64_t, double) { return true; });
  EXPECT_EQ(rest.loss_mean, wanted.loss_mean);
  EXPECT_EQ(parts.position.epoch, 1);
  EXPECT_TRUE(bitwise_equal(parts.generator.get_state(), whole.generator.get_state()));
  EXPECT_TRUE(parts.model->state_dict().to_value() == whole.model->state_dict().to_value());
}

TEST(SplitTraining, HoldsOutTheSameImagesForTheSameSeed) {
  const TrainSplit a = split_training(100, 0.25, 3);
  EXPECT_EQ(a.validation.numel(), 25);
  EXPECT_EQ(a.train.numel(), 75);
  EXPECT_TRUE(bitwise_equal(a.validation, split_training(100, 0.25, 3).validation));
  EXPECT_FALSE(bitwise_equal(a.validation, split_training(100, 0.25, 4).validation));
  std::vector<std::int64_t> all = a.train.to_vector<std::int64_t>();
  const std::vector<std::int64_t> held_out = a.validation.to_vector<std::int64_t>();
  all.insert(all.end(), held_out.begin(), held_out.end());
  std::sort(all.begin(), all.end());
  for (std::int64_t i = 0; i < 100; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)], i);
}

TEST(SplitTraining, LeavesAtLeastOneImage) {
  EXPECT_EQ(split_training(3, 0.99, 1).train.numel(), 1);
  EXPECT_EQ(split_training(3, 0.0, 1).validation.numel(), 0);
}

}  // namespace
}  // namespace wick::tools
