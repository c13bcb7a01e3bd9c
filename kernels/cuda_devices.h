// SPDX-License-Identifier: MIT
// What kernels/devices.cpp and cuda_stream.h ask of the CUDA part of a build. Answered by
// kernels/cuda/devices.cpp where there is one, by no_cuda.cpp where there is none.
#pragma once

#include "core/backend.h"

namespace wick::cuda {

[[nodiscard]] int device_count() noexcept;
/// Throws DeviceError where there is no such device.
[[nodiscard]] Backend& device_backend(int index);

void set_allow_tf32(bool allow) noexcept;
[[nodiscard]] bool allow_tf32() noexcept;

/// See CudaStreamGuard: what enter_stream() returns is for leave_stream().
[[nodiscard]] void* enter_stream(Device device, void* stream);
void leave_stream(Device device, void* before) noexcept;
[[nodiscard]] void* current_stream(Device device);

}  // namespace wick::cuda
