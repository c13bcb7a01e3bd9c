// SPDX-License-Identifier: MIT
// The kernel tables there are, and the choice among them.
#pragma once

#include <vector>

#include "kernels/cpu/amx/pairs_table.h"
#include "kernels/cpu/simd/kernel_table.h"

namespace wick::cpu {

/// The tables of one level. Those for products of bfloat16 differ where those for float32 are the
/// same.
struct Level {
  const KernelTable<float>* float32;
  const KernelTable<double>* float64;
  const PairsTable* pairs;  // products of bfloat16; or null: by those of float32
  const char* name;
};

/// The levels that this processor can run, the best first.
[[nodiscard]] std::vector<Level> available_levels();

/// The best level of this processor, or the one that the environment variable WICK_SIMD names
/// ("baseline", "avx2", "avx512", "avx512_bf16", "amx"). Throws ValueError for an unknown name or
/// one that the processor lacks.
[[nodiscard]] Level choose_level();

}  // namespace wick::cpu
