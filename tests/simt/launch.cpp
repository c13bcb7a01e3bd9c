// SPDX-License-Identifier: MIT
// Checks a launch as the CUDA runtime does and queues it.
#include <algorithm>
#include <cstdio>

#include "tests/simt/runtime.h"
#include "tests/simt/scheduler.h"

namespace wick::simt {
namespace {

constexpr std::size_t kSharedByDefault = 48 << 10;
constexpr std::size_t kSharedAtMost = 227 << 10;

std::size_t volume(const unsigned (&size)[3]) {
  return std::size_t{size[0]} * size[1] * size[2];
}

int attribute_of(const void* kernel, cudaFuncAttribute attribute, int otherwise) {
  const auto& all = runtime().kernel_attributes;
  const auto found = all.find(kernel);
  if (found == all.end()) return otherwise;
  const auto value = found->second.find(attribute);
  return value == found->second.end() ? otherwise : value->second;
}

// What kernels may ask for; how much of it a device has is another question.
unsigned largest_cluster(const void* kernel) {
  return attribute_of(kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 0) != 0 ? 16 : 8;
}

cudaError_t check_launch(const Launch& launch) {
  const std::size_t threads = volume(launch.block);
  if (volume(launch.grid) == 0 || threads == 0 || threads > 1024 || launch.block[2] > 64 ||
      launch.grid[0] > 2147483647U || launch.grid[1] > 65535 || launch.grid[2] > 65535) {
    return cudaErrorInvalidConfiguration;
  }
  const auto allowed = static_cast<std::size_t>(
      attribute_of(launch.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                   static_cast<int>(kSharedByDefault)));
  if (launch.shared_bytes > std::max(allowed, kSharedByDefault)) return cudaErrorInvalidValue;
  const std::size_t cluster = volume(launch.cluster);
  if (cluster == 0) return cudaErrorInvalidConfiguration;
  if (cluster > std::min(largest_cluster(launch.kernel), runtime().taken_cluster)) {
    return cudaErrorInvalidClusterSize;
  }
  for (int i = 0; i < 3; ++i) {
    if (launch.grid[i] % launch.cluster[i] != 0) return cudaErrorInvalidConfiguration;
  }
  const std::size_t per_multiprocessor =
      std::min(2048 / threads, (kSharedAtMost + 1024) / (launch.shared_bytes + 1024));
  if (launch.cooperative && volume(launch.grid) > kMultiprocessors * per_multiprocessor) {
    return cudaErrorCooperativeLaunchTooLarge;
  }
  return cudaSuccess;
}

cudaError_t run_now(const Launch& launch, const std::function<void()>& body) {
  Runtime& state = runtime();
  if (!state.failure.empty()) return cudaErrorLaunchFailure;
  ++state.launches;
  state.failure = run_kernel(launch, body, state.schedule);
  return state.failure.empty() ? cudaSuccess : cudaErrorLaunchFailure;
}

}  // namespace

cudaError_t launch(const Launch& launch, cudaStream_t handle, std::function<void()> body,
                   const std::vector<const void*>& words) {
  const auto held = lock();
  CUstream_st* const stream = stream_of(handle);
  if (stream == nullptr || stream->device != current_device()) {
    return note(cudaErrorInvalidResourceHandle);
  }
  if (const cudaError_t error = check_launch(launch)) return note(error);
  return note(submit(
      stream, [launch, body = std::move(body)] { return run_now(launch, body); }, words));
}

cudaError_t most_clusters(const Launch& launch, int* count) {
  const auto held = lock();
  *count = 0;
  const std::size_t cluster = volume(launch.cluster);
  if (cluster > largest_cluster(launch.kernel)) return note(cudaErrorInvalidClusterSize);
  *count = cluster <= runtime().said_cluster ? 1 : 0;
  return cudaSuccess;
}

cudaError_t set_attribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  const auto held = lock();
  if (attribute == cudaFuncAttributeMaxDynamicSharedMemorySize &&
      (value < 0 || static_cast<std::size_t>(value) > kSharedAtMost)) {
    return note(cudaErrorInvalidValue);
  }
  runtime().kernel_attributes[kernel][attribute] = value;
  return cudaSuccess;
}

}  // namespace wick::simt
