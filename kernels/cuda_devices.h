// SPDX-License-Identifier: MIT
// What kernels/devices.cpp asks of the CUDA part of a build. Answered by kernels/cuda where there
// is one, by no_cuda.cpp where there is none.
#pragma once

#include "core/backend.h"

namespace wick::cuda {

[[nodiscard]] int device_count() noexcept;
/// Throws DeviceError where there is no such device.
[[nodiscard]] Backend& device_backend(int index);

}  // namespace wick::cuda
