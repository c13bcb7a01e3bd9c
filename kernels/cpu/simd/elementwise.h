// SPDX-License-Identifier: MIT
// Kernels that walk over memory once, written as plain loops that the compiler vectorises for the
// instruction set at hand.
#pragma once

#include "kernels/cpu/simd/elementwise_table.h"

namespace wick::cpu {

template <typename T, typename Isa>
void add(const T* a, const T* b, T* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = a[i] + b[i];
}

template <typename T, typename Isa>
void multiply(const T* a, const T* b, T* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = a[i] * b[i];
}

}  // namespace wick::cpu
