// SPDX-License-Identifier: MIT
// Devices, errors, and the executor's settings.
#include <cstring>

#include "tests/simt/runtime.h"
#include "wick/core/error.h"

namespace wick::simt {
namespace {

thread_local int this_device = 0;
thread_local cudaError_t last_error = cudaSuccess;

struct ErrorText {
  cudaError_t error;
  const char* name;
  const char* text;
};
constexpr ErrorText kErrors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration",
     "invalid configuration argument"},
    {cudaErrorInvalidMemcpyDirection, "cudaErrorInvalidMemcpyDirection",
     "invalid copy direction for memcpy"},
    {cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver",
     "CUDA driver version is insufficient for CUDA runtime version"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {cudaErrorCooperativeLaunchTooLarge, "cudaErrorCooperativeLaunchTooLarge",
     "too many blocks in cooperative launch"},
    {cudaErrorNotSupported, "cudaErrorNotSupported", "operation not supported"},
    {cudaErrorPeerAccessAlreadyEnabled, "cudaErrorPeerAccessAlreadyEnabled",
     "peer access is already enabled"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported",
     "operation not permitted when stream is capturing"},
    {cudaErrorStreamCaptureInvalidated, "cudaErrorStreamCaptureInvalidated",
     "operation failed due to a previous error during capture"},
    {cudaErrorStreamCaptureUnmatched, "cudaErrorStreamCaptureUnmatched",
     "capture was not ended in the same stream as it began"},
    {cudaErrorInvalidClusterSize, "cudaErrorInvalidClusterSize",
     "misconfigured cluster size or cluster size too large"},
};

bool is_device(int device) {
  return device >= 0 && device < runtime().device_count;
}

}  // namespace

Runtime& runtime() {
  static Runtime instance;
  static const bool ready = [] {
    for (int i = 0; i < kMaxDevices; ++i) {
      CUstream_st& legacy = instance.devices[static_cast<std::size_t>(i)].legacy;
      legacy.device = i;
      legacy.number = ++instance.streams_made;
    }
    return true;
  }();
  static_cast<void>(ready);
  return instance;
}

cudaError_t note(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

int current_device() {
  return this_device;
}

void set_schedule(Schedule schedule) {
  const auto held = lock();
  runtime().schedule = schedule;
}

void set_device_count(int count) {
  const auto held = lock();
  if (count < 0 || count > kMaxDevices) {
    throw ValueError(concat("set_device_count: ", count, " is not in [0, ", kMaxDevices, "]"));
  }
  runtime().device_count = count;
}

void set_memory_limit(int device, std::size_t bytes) {
  const auto held = lock();
  runtime().devices.at(static_cast<std::size_t>(device)).limit = bytes;
}

std::size_t memory_in_use(int device) {
  const auto held = lock();
  return runtime().devices.at(static_cast<std::size_t>(device)).used;
}

void set_largest_cluster(unsigned said, unsigned taken) {
  const auto held = lock();
  runtime().said_cluster = said;
  runtime().taken_cluster = taken;
}

void set_eager(bool eager) {
  const auto held = lock();
  runtime().eager = eager;
}

std::string last_failure() {
  const auto held = lock();
  return runtime().failure;
}

void reset_failure() {
  const auto held = lock();
  runtime().failure.clear();
  last_error = cudaSuccess;
}

std::uint64_t launches() {
  const auto held = lock();
  return runtime().launches;
}

}  // namespace wick::simt

using namespace wick::simt;

cudaError_t cudaGetLastError() {
  const cudaError_t error = last_error;
  last_error = cudaSuccess;
  return error;
}
cudaError_t cudaPeekAtLastError() {
  return last_error;
}

const char* cudaGetErrorString(cudaError_t error) {
  if (error == cudaErrorLaunchFailure) {
    static thread_local std::string text;  // the caller gets a pointer into it
    text = last_failure();
    if (!text.empty()) return text.c_str();
  }
  for (const ErrorText& entry : kErrors) {
    if (entry.error == error) return entry.text;
  }
  return "unrecognized error code";
}
const char* cudaGetErrorName(cudaError_t error) {
  for (const ErrorText& entry : kErrors) {
    if (entry.error == error) return entry.name;
  }
  return "unrecognized error code";
}

cudaError_t cudaGetDeviceCount(int* count) {
  const auto held = lock();
  *count = runtime().device_count;
  return note(*count == 0 ? cudaErrorNoDevice : cudaSuccess);
}
cudaError_t cudaGetDevice(int* device) {
  *device = this_device;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  const auto held = lock();
  if (!is_device(device)) return note(cudaErrorInvalidDevice);
  this_device = device;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* prop, int device) {
  const auto held = lock();
  if (!is_device(device)) return note(cudaErrorInvalidDevice);
  *prop = {};
  std::strcpy(prop->name, "Simulated device");
  prop->totalGlobalMem = runtime().devices[static_cast<std::size_t>(device)].limit;
  prop->sharedMemPerBlock = 48 << 10;
  prop->sharedMemPerBlockOptin = 227 << 10;
  prop->sharedMemPerMultiprocessor = 228 << 10;
  prop->regsPerBlock = 65536;
  prop->warpSize = 32;
  prop->maxThreadsPerBlock = 1024;
  prop->maxThreadsDim[0] = prop->maxThreadsDim[1] = 1024;
  prop->maxThreadsDim[2] = 64;
  prop->maxGridSize[0] = 2147483647;
  prop->maxGridSize[1] = prop->maxGridSize[2] = 65535;
  prop->major = 9;
  prop->minor = 0;
  prop->multiProcessorCount = kMultiprocessors;
  prop->maxThreadsPerMultiProcessor = 2048;
  prop->l2CacheSize = 1 << 20;
  prop->memoryBusWidth = 64;
  prop->cooperativeLaunch = 1;
  prop->memoryPoolsSupported = 1;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  cudaDeviceProp prop{};
  if (const cudaError_t error = cudaGetDeviceProperties(&prop, device)) return error;
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock: *value = prop.maxThreadsPerBlock; break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = static_cast<int>(prop.sharedMemPerBlock);
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = static_cast<int>(prop.sharedMemPerBlockOptin);
      break;
    case cudaDevAttrMultiProcessorCount: *value = prop.multiProcessorCount; break;
    case cudaDevAttrMaxThreadsPerMultiProcessor: *value = prop.maxThreadsPerMultiProcessor; break;
    case cudaDevAttrComputeCapabilityMajor: *value = prop.major; break;
    case cudaDevAttrComputeCapabilityMinor: *value = prop.minor; break;
    case cudaDevAttrCooperativeLaunch:
    case cudaDevAttrMemoryPoolsSupported:
    case cudaDevAttrClusterLaunch: *value = 1; break;
  }
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  const auto held = lock();
  if (const cudaError_t error = check_may_wait()) return note(error);
  return note(wait_for_device(current_device()));
}

cudaError_t cudaDeviceCanAccessPeer(int* can, int device, int peer) {
  const auto held = lock();
  if (!is_device(device) || !is_device(peer)) return note(cudaErrorInvalidDevice);
  *can = device != peer ? 1 : 0;
  return cudaSuccess;
}
cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned int flags) {
  const auto held = lock();
  if (!is_device(peer) || peer == current_device()) return note(cudaErrorInvalidDevice);
  if (flags != 0) return note(cudaErrorInvalidValue);
  auto& peers = runtime().devices[static_cast<std::size_t>(current_device())].peers;
  return note(peers.insert(peer).second ? cudaSuccess : cudaErrorPeerAccessAlreadyEnabled);
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  const auto held = lock();
  const DeviceState& device = runtime().devices[static_cast<std::size_t>(current_device())];
  *total = device.limit;
  *free = device.limit > device.used ? device.limit - device.used : 0;
  return cudaSuccess;
}
