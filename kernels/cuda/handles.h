// SPDX-License-Identifier: MIT
// Owners of what the CUDA runtime gives out. Each frees it on destruction and never throws there;
// moved-from owners hold nothing.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

#include <cuda_runtime_api.h>

#include "kernels/cuda/check.h"

namespace wick::cuda {

/// Destroys a handle by one of the runtime's functions. What it answers is of no use to anybody:
/// the handle is gone, or the device is.
template <auto Function>
struct Destroy {
  template <typename T>
  void operator()(T* handle) const noexcept {
    static_cast<void>(Function(handle));
  }
};
template <typename Handle, auto Function>
using Owner = std::unique_ptr<std::remove_pointer_t<Handle>, Destroy<Function>>;

using Stream = Owner<cudaStream_t, cudaStreamDestroy>;
using Event = Owner<cudaEvent_t, cudaEventDestroy>;
using Graph = Owner<cudaGraph_t, cudaGraphDestroy>;
using GraphExec = Owner<cudaGraphExec_t, cudaGraphExecDestroy>;
/// Host memory that the device reads and writes while the host goes on.
template <typename T>
using Pinned = Owner<T*, cudaFreeHost>;

template <typename T>
using DeviceMemory = Owner<T*, cudaFree>;

/// Of the current device; does not wait for the legacy default stream.
[[nodiscard]] inline Stream make_stream() {
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "create a stream");
  return Stream(stream);
}

[[nodiscard]] inline Event make_event() {
  cudaEvent_t event = nullptr;
  check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "create an event");
  return Event(event);
}

/// `count` uninitialised objects, for as long as a stream or a recording lives; tensors have
/// Context::allocate(). Throws OutOfMemoryError.
template <typename T>
[[nodiscard]] DeviceMemory<T> make_device_memory(std::size_t count) {
  return DeviceMemory<T>(static_cast<T*>(device_malloc(count * sizeof(T))));
}

/// `count` uninitialised objects.
template <typename T>
[[nodiscard]] Pinned<T> make_pinned(std::size_t count) {
  void* data = nullptr;
  check(cudaHostAlloc(&data, count * sizeof(T), cudaHostAllocDefault), "allocate pinned memory");
  return Pinned<T>(static_cast<T*>(data));
}

/// Makes a device the current one, and restores the one before.
class DeviceGuard {
 public:
  explicit DeviceGuard(int device) {
    check(cudaGetDevice(&before_), "ask for the current device");
    changed_ = before_ != device;
    if (changed_) check(cudaSetDevice(device), "choose a device");
  }
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;
  ~DeviceGuard() {
    if (changed_) static_cast<void>(cudaSetDevice(before_));
  }

 private:
  int before_ = 0;
  bool changed_ = false;
};

}  // namespace wick::cuda
