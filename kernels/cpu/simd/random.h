// SPDX-License-Identifier: MIT
// Kernels beside random numbers, written as plain loops that the compiler vectorises for the
// instruction set at hand.
#pragma once

#include "kernels/cpu/simd/random_table.h"

namespace wick::cpu {

template <typename T, typename Isa>
void masked_scale(const T* x, const std::uint8_t* mask, T scale, T* y, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = x[i] * (mask[i] != 0 ? scale : T{0});
}

}  // namespace wick::cpu
