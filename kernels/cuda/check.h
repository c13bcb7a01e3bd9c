// SPDX-License-Identifier: MIT
// Turns what a CUDA call returns into an exception.
#pragma once

#include <cstddef>
#include <source_location>
#include <string_view>

#include <cuda_runtime_api.h>

namespace wick::cuda {

/// Throws CudaError where `status` is not success; `operation` is what was tried, in words of the
/// caller's. CUDA then has no error pending any more, unless the device itself is lost.
void check(cudaError_t status, std::string_view operation,
           std::source_location where = std::source_location::current());

/// Throws OutOfMemoryError for an allocation of `bytes` on the current device, `device` in words.
[[noreturn]] void throw_out_of_memory(std::size_t bytes, std::string_view device);

/// cudaMalloc on the current device; throws OutOfMemoryError.
[[nodiscard]] void* device_malloc(std::size_t bytes);

}  // namespace wick::cuda
