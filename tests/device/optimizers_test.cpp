// SPDX-License-Identifier: MIT
// The optimizers' kernels beside PyTorch, with gradients of every size.
#include <gmock/gmock.h>

#include "tests/device/device_under_test.h"
#include "tests/optim/every_size.h"

namespace wick {
namespace {

using Optimizers = testing::OnDevice;

TEST_F(Optimizers, AgreeWithPyTorchAtEverySizeOfGradientsThatVanish) {
  EXPECT_THAT(testing::differences_at_every_size(testing::kCuda), ::testing::IsEmpty());
}

}  // namespace
}  // namespace wick
