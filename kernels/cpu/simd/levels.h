// SPDX-License-Identifier: MIT
// The kernel tables there are, and the choice among them.
#pragma once

#include <vector>

#include "kernels/cpu/simd/kernel_table.h"

namespace wick::cpu {

/// The tables of one level.
struct Level {
  const KernelTable<float>* float32;
  const KernelTable<double>* float64;
};

/// The levels that this processor can run, the best first.
[[nodiscard]] std::vector<Level> available_levels();

/// The best level of this processor, or the one that the environment variable WICK_SIMD names
/// ("baseline", "avx2", "avx512"). Throws ValueError for an unknown name or one that the processor
/// lacks.
[[nodiscard]] Level choose_level();

}  // namespace wick::cpu
