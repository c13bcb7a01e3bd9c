// SPDX-License-Identifier: MIT
// What a checkpoint holds that torch.load(weights_only=True) refuses.
#pragma once

#include <cstddef>

namespace wick {

/// Counts of what was made of NumPy's objects when a file was read with placeholders. What became a
/// placeholder is in the value itself: placeholders_in() (core/placeholder.h).
struct ForeignObjects {
  std::size_t numpy_arrays = 0;   // that became tensors, on the CPU
  std::size_t numpy_numbers = 0;  // that became numbers
  [[nodiscard]] bool any() const noexcept { return numpy_arrays > 0 || numpy_numbers > 0; }
};

}  // namespace wick
