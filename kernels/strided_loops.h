// SPDX-License-Identifier: MIT
// The loops of a copy between two layouts, as few as they can be: for the kernels of every device.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/backend.h"
#include "core/backend/memory.h"

namespace wick {

/// Outermost first; strides in elements.
struct StridedLoops {
  Dims shape;
  Dims to;
  Dims from;
};

/// Dimensions of size 1 are gone, and neighbours that are one run in both layouts are one
/// dimension. At least one is left. Both layouts have the same shape, without zeros.
inline StridedLoops coalesce(const StridedRef& to, const StridedRef& from) {
  StridedLoops loops;
  for (std::size_t i = 0; i < to.shape.size(); ++i) {
    const std::int64_t size = to.shape[i];
    if (size == 1) continue;
    const std::size_t last = loops.shape.size();
    if (last > 0 && loops.to[last - 1] == size * to.strides[i] &&
        loops.from[last - 1] == size * from.strides[i]) {
      loops.shape[last - 1] *= size;
      loops.to[last - 1] = to.strides[i];
      loops.from[last - 1] = from.strides[i];
    } else {
      loops.shape.push_back(size);
      loops.to.push_back(to.strides[i]);
      loops.from.push_back(from.strides[i]);
    }
  }
  if (loops.shape.empty()) {
    loops.shape.push_back(1);
    loops.to.push_back(1);
    loops.from.push_back(1);
  }
  return loops;
}

}  // namespace wick
