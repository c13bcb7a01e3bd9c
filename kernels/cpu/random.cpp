// SPDX-License-Identifier: MIT
// What is done with random numbers: the CPU's generator itself is core/random.h.
#include "wick/core/backend/random.h"

#include <cstdint>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/share.h"

namespace wick::cpu {

void CpuBackend::masked_scale(const MaskedScaleArgs& args) {
  visit_arithmetic(args.dtype, "masked_scale", [&]<typename T>(TypeTag<T>) {
    share_elements(*pool_, args.count, [&](std::int64_t first, std::int64_t last) {
      kernels<T>().masked_scale(static_cast<const T*>(args.x) + first,
                                static_cast<const std::uint8_t*>(args.mask) + first,
                                static_cast<T>(args.scale), static_cast<T*>(args.y) + first,
                                last - first);
    });
  });
}

}  // namespace wick::cpu
