// SPDX-License-Identifier: MIT
// Many steps of a small network at once come to what single operations come to.
#include "tests/device/small_training.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/core/recording.h"

namespace wick {
namespace {

using testing::expect_near;
using testing::expect_throw_with;
using testing::kCuda;
using testing::OnDevice;
using testing::SmallTraining;

using SmallNet = OnDevice;

// How often `compute` is called tells whether the kernel did the steps.
struct Counted {
  int computed = 0;
  int updated = 0;

  [[nodiscard]] RecordedStep step(SmallTraining& training) {
    RecordedStep result = training.whole_step();
    result.compute = [this, &training] {
      ++computed;
      training.compute();
    };
    result.update = [this, &training] {
      ++updated;
      training.update();
    };
    return result;
  }
};

void expect_alike(SmallTraining& a, SmallTraining& b, const std::string& what) {
  for (std::size_t i = 0; i < 4; ++i) {
    const std::string which = concat(what, ", parameter ", i);
    expect_near(a.model.parameters()[i]->value, b.model.parameters()[i]->value, 2e-4, which);
    expect_near(a.model.parameters()[i]->grad, b.model.parameters()[i]->grad, 2e-4,
                which + ", gradient");
  }
  expect_near(a.loss_sum, b.loss_sum, 1e-5);
  EXPECT_EQ(a.optimizer().lr(), b.optimizer().lr());
}

TEST_F(SmallNet, StepsAreThoseOfTheSingleOperations) {
  for (const char* const optimizer : {"sgd", "adamw"}) {
    SmallTraining single(kCuda, optimizer);
    SmallTraining at_once(kCuda, optimizer);
    Counted counted;
    const auto recording = backend_for(kCuda).record(counted.step(at_once));
    std::int64_t done = 0;
    for (const std::int64_t steps : {1, 4, 0, 3}) {
      recording->replay(steps);
      for (std::int64_t i = 0; i < steps; ++i) {
        single.compute();
        single.update();
      }
      done += steps;
      expect_alike(at_once, single, concat(optimizer, ", ", done, " steps"));
    }
    EXPECT_EQ(counted.computed, 0);
    EXPECT_EQ(counted.updated, done);
    // Both optimizers know of the same number of steps and go on alike.
    single.rewind();
    at_once.rewind();
    single.compute();
    single.update();
    at_once.compute();
    at_once.update();
    expect_near(at_once.model.parameters()[0]->value, single.model.parameters()[0]->value, 4e-4);
  }
}

// A run that is taken up in the middle has the bits of one that went through.
TEST_F(SmallNet, StepsHaveTheSameBitsInAnyPortions) {
  SmallTraining whole(kCuda, "adamw");
  SmallTraining parts(kCuda, "adamw");
  backend_for(kCuda).record(whole.whole_step())->replay(7);
  backend_for(kCuda).record(parts.whole_step())->replay(2);
  backend_for(kCuda).record(parts.whole_step())->replay(5);
  testing::expect_same_parameters(whole.model, parts.model);
  EXPECT_TRUE(whole.optimizer().state_dict() == parts.optimizer().state_dict());
}

TEST_F(SmallNet, StepsBeyondTheBatchesAreReported) {
  SmallTraining training(kCuda, "sgd");
  const auto recording = backend_for(kCuda).record(training.whole_step());
  recording->replay(SmallTraining::kSteps);
  backend_for(kCuda).synchronize();
  recording->replay(1);
  EXPECT_THROW(backend_for(kCuda).synchronize(), IndexError);
}

TEST_F(SmallNet, AnUpdateRunsOptimizersOnly) {
  SmallTraining training(kCuda, "sgd");
  RecordedStep step = training.whole_step();
  step.update = [&] {
    training.update();
    training.loss_sum.zero_();
  };
  const auto recording = backend_for(kCuda).record(std::move(step));
  recording->replay(1);
  expect_throw_with<ValueError>([&] { recording->replay(1); }, "optimizers only");
  EXPECT_THROW(recording->replay(-1), ValueError);
}

// What the kernel cannot do is recorded, and comes to the same as the CPU either way.
TEST_F(SmallNet, WhatTheKernelCannotDoIsRecorded) {
  const Tensor weight = Tensor::from<float>({0.5F, 2.0F, 1.0F, 3.0F, 0.25F});
  struct Case {
    const char* name;
    const char* optimizer;
    nn::CrossEntropyLossOptions loss;
    bool kernel;
  };
  const std::vector<Case> cases = {
      {"amsgrad", "adam", {}, false},
      {"class weights", "adamw", {.weight = weight}, false},
      {"sum", "adamw", {.reduction = nn::Reduction::sum}, false},
      {"label smoothing", "adamw", {.label_smoothing = 0.2}, true},
      {"no target at all", "sgd", {.label_smoothing = 1.0}, true},
      {"an ignored class", "sgd", {.ignore_index = 2, .label_smoothing = 0.1}, true}};
  for (const Case& test : cases) {
    nn::CrossEntropyLossOptions there = test.loss;
    if (there.weight.defined()) there.weight = there.weight.to(kCuda);
    SmallTraining device(kCuda, test.optimizer, DType::float32, there);
    SmallTraining host(kCpu, test.optimizer, DType::float32, test.loss);
    constexpr std::int64_t kSteps = 5;
    Counted counted;
    backend_for(kCuda).record(counted.step(device))->replay(kSteps);
    EXPECT_EQ(counted.computed == 0, test.kernel) << test.name;
    EXPECT_EQ(counted.updated, kSteps) << test.name;
    for (std::int64_t i = 0; i < kSteps; ++i) {
      host.compute();
      host.update();
    }
    expect_near(device.loss_sum, host.loss_sum, 1e-4, test.name);
    for (std::size_t i = 0; i < 4; ++i) {
      expect_near(device.model.parameters()[i]->value, host.model.parameters()[i]->value, 4e-4,
                  concat(test.name, ", parameter ", i));
    }
  }
}

// A frozen layer, and other layers than the kernel's, are done by single operations.
TEST_F(SmallNet, OtherNetworksAreRecorded) {
  SmallTraining frozen(kCuda, "sgd");
  frozen.model.parameters()[0]->requires_grad = false;
  const Tensor before = frozen.model.parameters()[0]->value.clone();
  Counted counted;
  backend_for(kCuda).record(counted.step(frozen))->replay(3);
  EXPECT_GT(counted.computed, 0);
  EXPECT_TRUE(bitwise_equal(frozen.model.parameters()[0]->value, before));
  SmallTraining cast(kCuda, "sgd", DType::bfloat16);
  EXPECT_EQ(cast.whole_step().network, nullptr);
}

}  // namespace
}  // namespace wick
