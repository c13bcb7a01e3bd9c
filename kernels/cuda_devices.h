// SPDX-License-Identifier: MIT
// What kernels/devices.cpp and cuda_stream.h ask of the CUDA part of a build. Answered by
// kernels/cuda/devices.cpp where there is one, by no_cuda.cpp where there is none.
#pragma once

#include "wick/core/backend.h"
#include "wick/core/compiler.h"

namespace wick::cuda {

[[nodiscard]] WICK_API int device_count() noexcept;
/// Throws DeviceError where there is no such device.
[[nodiscard]] WICK_API Backend& device_backend(int index);

WICK_API void set_allow_tf32(bool allow) noexcept;
[[nodiscard]] WICK_API bool allow_tf32() noexcept;

/// See CudaStreamGuard: what enter_stream() returns is for leave_stream().
[[nodiscard]] WICK_API void* enter_stream(Device device, void* stream);
WICK_API void leave_stream(Device device, void* before) noexcept;
[[nodiscard]] WICK_API void* current_stream(Device device);

}  // namespace wick::cuda
