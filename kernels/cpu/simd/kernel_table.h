// SPDX-License-Identifier: MIT
// The CPU kernels behind the backend, as function pointers: one table per instruction set and
// element type, put together from those of the families. Arguments are plain structs over raw
// memory; sizes and strides are in elements.
#pragma once

#include "kernels/cpu/simd/arithmetic_table.h"
#include "kernels/cpu/simd/attention_table.h"
#include "kernels/cpu/simd/cell_table.h"
#include "kernels/cpu/simd/conv_table.h"
#include "kernels/cpu/simd/convert_table.h"
#include "kernels/cpu/simd/elementwise_table.h"
#include "kernels/cpu/simd/loss_table.h"
#include "kernels/cpu/simd/matmul_table.h"
#include "kernels/cpu/simd/norm_table.h"
#include "kernels/cpu/simd/random_table.h"
#include "kernels/cpu/simd/reduce_table.h"
#include "kernels/cpu/simd/rows_table.h"
#include "kernels/cpu/simd/update_table.h"
#include "kernels/cpu/simd/vector_reduce_table.h"

namespace wick::cpu {

// Each family's header declares <family>_table<T, Isa>(), which <family>.cpp defines; that file is
// compiled once for each instruction set.

template <typename T>
struct KernelTable : MatmulTable<T>,
                     ElementwiseTable<T>,
                     ArithmeticTable<T>,
                     ReduceTable<T>,
                     VectorReduceTable<T>,
                     RowsTable<T>,
                     RandomTable<T>,
                     LossTable<T>,
                     NormTable<T>,
                     ConvTable<T>,
                     UpdateTable<T>,
                     CellTable<T>,
                     AttentionTable<T>,
                     ConvertTable<T> {
  const char* name = nullptr;
};

template <typename T, typename Isa>
[[nodiscard]] KernelTable<T> make_kernel_table(const char* name) {
  return {matmul_table<T, Isa>(),    elementwise_table<T, Isa>(),   arithmetic_table<T, Isa>(),
          reduce_table<T, Isa>(),    vector_reduce_table<T, Isa>(), rows_table<T, Isa>(),
          random_table<T, Isa>(),    loss_table<T, Isa>(),          norm_table<T, Isa>(),
          conv_table<T, Isa>(),      update_table<T, Isa>(),        cell_table<T, Isa>(),
          attention_table<T, Isa>(), convert_table<T, Isa>(),       name};
}

}  // namespace wick::cpu
