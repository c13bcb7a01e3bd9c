// SPDX-License-Identifier: MIT
// Two hundred steps on the device beside the CPU's, and what they leave.
#include <algorithm>
#include <cmath>

#include "tests/device/small_training.h"

namespace wick {
namespace {

using testing::expect_near;
using testing::kCuda;
using testing::OnDevice;
using testing::SmallTraining;

using Training = OnDevice;

TEST_F(Training, TwoHundredStepsFollowTheCpu) {
  for (const char* const optimizer : {"sgd", "adam", "adamw"}) {
    SmallTraining here(kCpu, optimizer);
    SmallTraining there(kCuda, optimizer);
    double first = 0;
    double last = 0;
    for (int step = 0; step < 200; ++step) {
      if (step % SmallTraining::kSteps == 0) {
        here.rewind();
        there.rewind();
      }
      here.compute();
      here.update();
      there.compute();
      there.update();
      const auto expected = static_cast<double>(here.loss.item<float>());
      const auto actual = static_cast<double>(there.loss.item<float>());
      ASSERT_NEAR(actual, expected, 2e-3 * (0.05 + expected)) << optimizer << ", step " << step;
      if (step == 0) first = actual;
      last = actual;
    }
    EXPECT_LT(last, first / 4) << optimizer;
    expect_near(there.loss_sum, here.loss_sum, 1e-3);
    for (std::size_t i = 0; i < here.model.parameters().size(); ++i) {
      expect_near(there.model.parameters()[i]->value, here.model.parameters()[i]->value, 1e-2,
                  optimizer);
    }
  }
}

// In bfloat16, a sum that is rounded the other way is one part in 256 away.
TEST_F(Training, UnderAutocastFollowsTheCpu) {
  SmallTraining here(kCpu, "adamw", DType::bfloat16);
  SmallTraining there(kCuda, "adamw", DType::bfloat16);
  SmallTraining plain(kCuda, "adamw");
  double first = 0;
  double last = 0;
  double worst = 0;
  for (int step = 0; step < 200; ++step) {
    double losses[3] = {};
    std::size_t i = 0;
    for (SmallTraining* const training : {&here, &there, &plain}) {
      if (step % SmallTraining::kSteps == 0) training->rewind();
      training->compute();
      training->update();
      losses[i++] = static_cast<double>(training->loss.item<float>());
    }
    ASSERT_NEAR(losses[1], losses[0], 0.02 * (0.05 + losses[0])) << "step " << step;
    worst = std::max(worst, std::fabs(losses[1] - losses[2]) / losses[2]);
    if (step == 0) first = losses[1];
    last = losses[1];
  }
  EXPECT_LT(last, first / 4);
  EXPECT_GT(worst, 1e-4);  // not without rounding
  for (const auto& parameter : there.model.parameters()) {
    EXPECT_EQ(parameter->value.dtype(), DType::float32);
  }
}

TEST_F(Training, IsTheSameBitsEachTime) {
  for (const DType autocast : {DType::float32, DType::bfloat16}) {
    std::vector<Tensor> weights;
    for (int run = 0; run < 2; ++run) {
      SmallTraining training(kCuda, "adam", autocast);
      for (int step = 0; step < SmallTraining::kSteps; ++step) {
        training.compute();
        training.update();
      }
      weights.push_back(training.model.parameters()[0]->value.clone());
    }
    EXPECT_TRUE(bitwise_equal(weights[0], weights[1])) << autocast;
  }
}

}  // namespace
}  // namespace wick
