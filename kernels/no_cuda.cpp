// SPDX-License-Identifier: MIT
// Stands in for kernels/cuda where the build has no CUDA toolkit.
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/kernels/cuda_devices.h"

namespace wick::cuda {
namespace {

[[noreturn]] void refuse(Device device) {
  throw DeviceError(concat("device ", device,
                           ": this build of wick has no CUDA backend (WICK_CUDA=ON makes one); use "
                           "the device \"cpu\", or for a checkpoint map_location=\"cpu\""));
}

}  // namespace

int device_count() noexcept {
  return 0;
}

Backend& device_backend(int index) {
  refuse({DeviceType::cuda, index});
}

void set_allow_tf32(bool /*allow*/) noexcept {}

bool allow_tf32() noexcept {
  return false;
}

void* enter_stream(Device device, void* /*stream*/) {
  refuse(device);
}

void leave_stream(Device /*device*/, void* /*before*/) noexcept {}

void* current_stream(Device device) {
  refuse(device);
}

}  // namespace wick::cuda
