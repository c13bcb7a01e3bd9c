// SPDX-License-Identifier: MIT
// Products that the library does not do where their operands lie: it has algorithms of bfloat16 for
// rows at multiples of 16 bytes only on some devices, and none at all on others.
#pragma once

#include "kernels/cuda/blas.h"

namespace wick::cuda {

/// Multiplies with copies of operands and result whose rows begin at multiples of 16 bytes, in
/// place of those that do not; and where the library has no algorithm for that either, with copies
/// of bfloat16 in float32, which give the same within rounding. Costs a pass over each of them.
/// Returns false, and has done nothing, where nothing helps. `product` has no epilogue.
[[nodiscard]] bool multiply_copies(const Product& product, bool tf32, Blas& blas,
                                   StreamState& stream);

}  // namespace wick::cuda
