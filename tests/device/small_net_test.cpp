// SPDX-License-Identifier: MIT
// Many steps of a small network at once come to what single operations come to.
#include "core/backend/small_net.h"

#include "core/backend.h"
#include "core/error.h"
#include "tests/device/small_training.h"

namespace wick {
namespace {

using testing::expect_near;
using testing::expect_throw_with;
using testing::kCuda;
using testing::OnDevice;
using testing::SmallTraining;

using SmallNet = OnDevice;

TEST_F(SmallNet, StepsAreThoseOfTheSingleOperations) {
  for (const char* const optimizer : {"sgd", "adamw"}) {
    SmallTraining single(kCuda, optimizer);
    SmallTraining at_once(kCuda, optimizer);
    Backend& backend = backend_for(kCuda);
    std::int64_t done = 0;
    for (const std::int64_t steps : {1, 4, 3}) {
      ASSERT_TRUE(
          backend.small_net_steps(at_once.small_net_args(done, steps), [&] { at_once.update(); }));
      for (std::int64_t i = 0; i < steps; ++i) {
        single.compute();
        single.update();
      }
      done += steps;
      for (std::size_t i = 0; i < 4; ++i) {
        const std::string what = concat(optimizer, ", ", done, " steps, parameter ", i);
        expect_near(at_once.model.parameters()[i]->value, single.model.parameters()[i]->value, 2e-4,
                    what);
        expect_near(at_once.model.parameters()[i]->grad, single.model.parameters()[i]->grad, 2e-4,
                    what + ", gradient");
      }
      expect_near(at_once.loss_sum, single.loss_sum, 1e-5);
      EXPECT_EQ(at_once.optimizer().lr(), single.optimizer().lr());
    }
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

TEST_F(SmallNet, RefusesWhatItCannotDo) {
  SmallTraining training(kCuda, "adamw");
  Backend& backend = backend_for(kCuda);
  SmallNetStepsArgs large = training.small_net_args(0, 1);
  large.hidden = 100000;
  int updates = 0;
  EXPECT_FALSE(backend.small_net_steps(large, [&] { ++updates; }));
  EXPECT_FALSE(backend_for(kCpu).small_net_steps(large, [&] { ++updates; }));
  EXPECT_EQ(updates, 0);
  expect_throw_with<ValueError>(
      [&] { (void)backend.small_net_steps(training.small_net_args(0, 2), [] {}); }, "0 updates");
  SmallTraining amsgrad(kCuda, "adam");
  SmallNetStepsArgs hidden = amsgrad.small_net_args(0, 1);
  hidden.amsgrad = false;
  expect_throw_with<ValueError>(
      [&] { (void)backend.small_net_steps(hidden, [&] { amsgrad.update(); }); }, "amsgrad");
}

// What the kernel cannot do it leaves to the caller, who comes to the same as the CPU either way.
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
    int updates = 0;
    const bool by_kernel =
        backend_for(kCuda).small_net_steps(device.small_net_args(0, kSteps), [&] {
          ++updates;
          device.update();
        });
    EXPECT_EQ(by_kernel, test.kernel) << test.name;
    EXPECT_EQ(updates, by_kernel ? kSteps : 0) << test.name;
    if (!by_kernel) backend_for(kCuda).record(device.recorded_step())->replay(kSteps);
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

}  // namespace
}  // namespace wick
