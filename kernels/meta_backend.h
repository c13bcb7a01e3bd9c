// SPDX-License-Identifier: MIT
// The device "meta": tensors that are described, with no elements behind them.
#pragma once

#include "wick/core/backend.h"

namespace wick {

/// Allocates nothing, and answers every operation on elements with a DeviceError. Thread-safe.
[[nodiscard]] Backend& meta_backend();

}  // namespace wick
