// SPDX-License-Identifier: MIT
// For programs that have CUDA streams of their own: lets wick's work run in them.
#pragma once

#include "wick/core/compiler.h"
#include "wick/core/device.h"
#include "wick/kernels/cuda_devices.h"

namespace wick {

/// While it lives, what this thread does on the device runs in `stream`, a cudaStream_t of that
/// device (null: the legacy default stream) that outlives the guard. In order with what this thread
/// does before and after: the stream waits for what was current, and then the other way round, both
/// on the device. Guards may be nested; each ends in the thread that made it. Tensors may be made
/// in one and used in the other. Threads have orders of their own: what one of them has made in its
/// stream, another may use or free after Backend::wait_event() with an event that the first has
/// recorded, or once the first has waited for the device.
///
///   cudaStream_t stream = ...;
///   {
///     const wick::CudaStreamGuard guard({wick::DeviceType::cuda, 0}, stream);
///     logits = model.forward(x);
///   }
class WICK_API CudaStreamGuard {
 public:
  /// Throws DeviceError where there is no such device.
  CudaStreamGuard(Device device, void* stream)
      : device_(device), before_(cuda::enter_stream(device, stream)) {}
  CudaStreamGuard(const CudaStreamGuard&) = delete;
  CudaStreamGuard& operator=(const CudaStreamGuard&) = delete;
  ~CudaStreamGuard() { cuda::leave_stream(device_, before_); }

 private:
  Device device_;
  void* before_;
};

/// The cudaStream_t in which this thread's work on the device runs: the innermost guard's, or one
/// of wick's own. Throws DeviceError where there is no such device.
[[nodiscard]] inline void* current_cuda_stream(Device device) {
  return cuda::current_stream(device);
}

}  // namespace wick
