// SPDX-License-Identifier: MIT
// Memory that a layer keeps from call to call.
#pragma once

#include "wick/core/scratch.h"

namespace wick::nn {

using wick::Scratch;

}  // namespace wick::nn
