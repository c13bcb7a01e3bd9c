// SPDX-License-Identifier: MIT
#include "wick/kernels/devices.h"

#include "kernels/cpu/cpu_backend.h"
#include "kernels/meta_backend.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/kernels/cuda_devices.h"

namespace wick {
namespace {

cpu::CpuBackend& cpu_backend() {
  // Kept to the end of the process, like the storages that may outlive main().
  static auto* const backend = new cpu::CpuBackend();
  return *backend;
}

}  // namespace

Backend& backend_for(Device device) {
  if (device.type == DeviceType::cuda) return cuda::device_backend(device.index);
  if (device.type == DeviceType::meta) return meta_backend();
  return cpu_backend();
}

int cuda_device_count() noexcept {
  return cuda::device_count();
}

void set_allow_tf32(bool allow) noexcept {
  cuda::set_allow_tf32(allow);
}

bool allow_tf32() noexcept {
  return cuda::allow_tf32();
}

void set_num_threads(int count) {
  cpu_backend().set_num_threads(count, IdleThreads::sleep);
}

void set_num_threads(int count, IdleThreads idle) {
  cpu_backend().set_num_threads(count, idle);
}

int num_threads() noexcept {
  return cpu_backend().num_threads();
}

std::string cpu_capability() {
  return std::string(cpu_backend().capability());
}

}  // namespace wick
