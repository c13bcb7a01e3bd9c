// SPDX-License-Identifier: MIT
// Numbers far from 1: gradients of every size, and means that fade.
#include "tests/optim/every_size.h"

#include <gmock/gmock.h>

namespace wick::testing {
namespace {

TEST(Optimizers, AgreeWithPyTorchAtEverySizeOfGradientsThatVanish) {
  EXPECT_THAT(differences_at_every_size(kCpu), ::testing::IsEmpty());
}

}  // namespace
}  // namespace wick::testing
