// SPDX-License-Identifier: MIT
// Stands in for kernels/cuda where the build has no CUDA toolkit.
#include "core/error.h"
#include "kernels/cuda_devices.h"

namespace wick::cuda {

int device_count() noexcept {
  return 0;
}

Backend& device_backend(int index) {
  throw DeviceError(concat("device cuda:", index,
                           ": this build of wick has no CUDA backend; use the device \"cpu\", or "
                           "for a checkpoint map_location=\"cpu\""));
}

}  // namespace wick::cuda
