// SPDX-License-Identifier: MIT
// Fills a kernel table for one instruction set. Included by the files that are compiled with that
// set's flags, and by nothing else.
#pragma once

#include "kernels/cpu/simd/cross_entropy.h"
#include "kernels/cpu/simd/elementwise.h"
#include "kernels/cpu/simd/kernel_table.h"
#include "kernels/cpu/simd/matmul.h"
#include "kernels/cpu/simd/update.h"

namespace wick::cpu {

template <typename T, typename Isa>
constexpr KernelTable<T> make_table(const char* name) {
  KernelTable<T> table{name,
                       nullptr,
                       nullptr,
                       nullptr,
                       column_sums<T, Isa>,
                       relu<T, Isa>,
                       relu_backward<T, Isa>,
                       cross_entropy<T, Isa>,
                       affine_u8<T, Isa>,
                       affine<T, Isa>,
                       sgd<T, Isa>,
                       adam<T, Isa>};
  if constexpr (sizeof(T) == sizeof(float)) {
    table.choose_matmul = choose_matmul<T, Isa>;
    table.matmul_workspace = matmul_workspace<T, Isa>;
    table.matmul = matmul<T, Isa>;
  }
  return table;
}

}  // namespace wick::cpu
