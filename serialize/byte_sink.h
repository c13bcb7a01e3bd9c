// SPDX-License-Identifier: MIT
// How writers of files hand out their bytes, and where they take elements from.
#pragma once

#include <functional>
#include <string_view>

#include "wick/core/tensor.h"

namespace wick {

/// Takes the bytes of a file in order.
using ByteSink = std::function<void(std::string_view)>;

/// Gives a tensor of a state dictionary with its elements, on the CPU, where the dictionary only
/// describes it, on the device "meta": so that one at a time is in memory.
using TensorReader = std::function<Tensor(const Tensor& described)>;

}  // namespace wick
