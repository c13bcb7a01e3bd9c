// SPDX-License-Identifier: MIT
// Many steps of a small network at once come to what single operations come to.
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
  expect_throw_with<ValueError>(
      [&] {
        (void)backend.small_net_steps(amsgrad.small_net_args(0, 1), [&] { amsgrad.update(); });
      },
      "amsgrad");
}

}  // namespace
}  // namespace wick
