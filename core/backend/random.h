// SPDX-License-Identifier: MIT
// The family of random numbers.
#pragma once

#include <cstdint>

#include "wick/core/dtype.h"

namespace wick {

/// Where the stream of a Generator on a device is. The memory is the generator's: a recording reads
/// it before each repetition and moves the offset on for those that call no function of the step,
/// so that it must live, and stay where it is, as long as the recording.
struct GeneratorStream {
  const std::uint64_t* seed = nullptr;
  std::uint64_t* offset = nullptr;  // how far it has gone on
};

/// y = mask * x * scale, element by element: what dropout does to a value and to its gradient.
struct MaskedScaleArgs {
  DType dtype = DType::float32;  // float32 or float64
  std::int64_t count = 0;
  const void* x = nullptr;
  const void* mask = nullptr;  // bool
  double scale = 1.0;          // rounded to dtype
  void* y = nullptr;           // may be x
};

/// Draws which of `count` elements are kept, each with probability 1 - p, and y = mask * x / (1 -
/// p). PyTorch: torch.native_dropout.
struct DropoutArgs {
  DType dtype = DType::float32;  // float32 or float64
  std::int64_t count = 0;
  const void* x = nullptr;
  void* y = nullptr;     // may be x
  void* mask = nullptr;  // bool, overwritten
  double p = 0.5;        // in (0, 1)
  GeneratorStream stream{};
};

/// `count` numbers of the stream of a Generator on this device, into contiguous memory.
struct RandomArgs {
  DType dtype = DType::float32;  // float32 or float64
  std::int64_t count = 0;
  void* out = nullptr;
  GeneratorStream stream{};
};

}  // namespace wick
