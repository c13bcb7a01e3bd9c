// SPDX-License-Identifier: MIT
// The family of random numbers.
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace wick {

/// `count` numbers of the stream of a Generator on this device, into contiguous memory.
struct RandomArgs {
  DType dtype = DType::float32;  // float32 or float64
  std::int64_t count = 0;
  void* out = nullptr;
  std::uint64_t seed = 0;
  std::uint64_t offset = 0;  // how far the stream has gone on
};

}  // namespace wick
