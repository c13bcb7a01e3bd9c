// SPDX-License-Identifier: MIT
// What PyTorch's optimizers did with gradients of every size (fixtures/optim/every_size.py), for
// the tests of each device.
#pragma once

#include <string>
#include <vector>

#include "wick/core/device.h"

namespace wick::testing {

/// Repeats the cases of every_size.json with wick's optimizers on the device; one sentence for each
/// value that differs from PyTorch's.
[[nodiscard]] std::vector<std::string> differences_at_every_size(Device device);

}  // namespace wick::testing
