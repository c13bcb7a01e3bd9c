// SPDX-License-Identifier: MIT
// Runs one kernel: blocks, their threads as fibers, barriers and warps.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "tests/simt/include/simt_device.h"
#include "tests/simt/simt.h"

namespace wick::simt {

/// Runs `body` for every thread of the grid. Returns what went wrong, or an empty string.
/// Under the runtime's lock: one kernel at a time.
[[nodiscard]] std::string run_kernel(const Launch& launch, const std::function<void()>& body,
                                     Schedule schedule);

}  // namespace wick::simt
