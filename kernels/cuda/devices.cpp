// SPDX-License-Identifier: MIT
// Which CUDA devices there are, and the settings that users make; see kernels/cuda_devices.h and
// kernels/cuda_stream.h.
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "kernels/cuda/cuda_backend.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/kernels/cuda_devices.h"
#include "wick/kernels/cuda_stream.h"

namespace wick::cuda {
namespace {

// Why there is no device: no GPU and no driver are no errors until somebody asks for one.
cudaError_t ask_device_count(int& count) noexcept {
  count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess) {
    count = 0;
    static_cast<void>(cudaGetLastError());
  }
  return status;
}

// CUDA calls a driver that is not there one that is too old.
std::string reason_of(cudaError_t status) {
  int driver = 0;
  static_cast<void>(cudaDriverGetVersion(&driver));
  if (driver == 0) return "this machine has no NVIDIA driver";
  return cudaGetErrorString(status);
}

CudaBackend& backend_of(Device device) {
  if (device.type != DeviceType::cuda) {
    throw DeviceError(concat("CudaStreamGuard: ", device, " has no CUDA streams"));
  }
  return dynamic_cast<CudaBackend&>(device_backend(device.index));
}

}  // namespace

int device_count() noexcept {
  int count = 0;
  static_cast<void>(ask_device_count(count));
  return count;
}

Backend& device_backend(int index) {
  static std::mutex mutex;
  // Kept to the end of the process, like the storages that may outlive main().
  static auto* const backends = new std::vector<std::unique_ptr<CudaBackend>>();
  const std::scoped_lock lock(mutex);
  const auto at = static_cast<std::size_t>(index);
  if (index >= 0 && at < backends->size() && (*backends)[at] != nullptr) return *(*backends)[at];
  int count = 0;
  const cudaError_t status = ask_device_count(count);
  if (status != cudaSuccess) {
    throw DeviceError(concat("device cuda:", index, ": ", reason_of(status),
                             "; use the device \"cpu\", or for a checkpoint map_location=\"cpu\""));
  }
  if (index < 0 || index >= count) {
    throw DeviceError(concat("device cuda:", index, ": this machine has ", count,
                             count == 1 ? " CUDA device" : " CUDA devices"));
  }
  if (backends->size() <= at) backends->resize(at + 1);
  const DeviceGuard guard(index);
  (*backends)[at] = std::make_unique<CudaBackend>(index);
  return *(*backends)[at];
}

std::atomic<bool>& tf32_switch() noexcept {
  static std::atomic<bool> allowed{false};
  return allowed;
}

void set_allow_tf32(bool allow) noexcept {
  tf32_switch() = allow;
}

bool allow_tf32() noexcept {
  return tf32_switch();
}

void* enter_stream(Device device, void* stream) {
  Context& context = backend_of(device).context();
  const DeviceGuard guard(context.device());
  StreamState& state = context.state_of(static_cast<cudaStream_t>(stream));
  state.wait_for(context.current());
  return &context.exchange_current(state);
}

void leave_stream(Device device, void* before) noexcept {
  try {
    Context& context = backend_of(device).context();
    const DeviceGuard guard(context.device());
    auto& outer = *static_cast<StreamState*>(before);
    StreamState& inner = context.exchange_current(outer);
    outer.wait_for(inner);
  } catch (...) {  // NOLINT(bugprone-empty-catch): the device is lost; the next call on it says so
  }
}

void* current_stream(Device device) {
  return backend_of(device).context().current().stream();
}

}  // namespace wick::cuda
