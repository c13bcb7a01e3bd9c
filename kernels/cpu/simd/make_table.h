// SPDX-License-Identifier: MIT
// Fills a kernel table for one instruction set. Included by the files that are compiled with that
// set's flags, and by nothing else.
#pragma once

#include "core/backend/elementwise.h"
#include "core/backend/loss.h"
#include "kernels/cpu/simd/cross_entropy.h"
#include "kernels/cpu/simd/elementwise.h"
#include "kernels/cpu/simd/kernel_table.h"
#include "kernels/cpu/simd/loss.h"
#include "kernels/cpu/simd/matmul.h"
#include "kernels/cpu/simd/unary.h"
#include "kernels/cpu/simd/update.h"

namespace wick::cpu {

template <typename T, typename Isa, std::size_t... I>
constexpr void add_losses(KernelTable<T>& table, std::index_sequence<I...> /*all*/) {
  ((table.pointwise_loss[I] = pointwise_loss<T, Isa, static_cast<LossOp>(I)>), ...);
}

template <typename T, typename Isa, std::size_t... I>
constexpr void add_unary(KernelTable<T>& table, std::index_sequence<I...> /*all*/) {
  ((table.unary[I] = unary<T, Isa, static_cast<UnaryOp>(I)>), ...);
  ((table.unary_backward[I] = unary_backward<T, Isa, static_cast<UnaryOp>(I)>), ...);
}

template <typename T, typename Isa>
constexpr KernelTable<T> make_table(const char* name) {
  KernelTable<T> table{};
  table.name = name;
  table.column_sums = column_sums<T, Isa>;
  table.add = add<T, Isa>;
  table.multiply = multiply<T, Isa>;
  add_losses<T, Isa>(table, std::make_index_sequence<kLossOpCount>{});
  add_unary<T, Isa>(table, std::make_index_sequence<kUnaryOpCount>{});
  table.cross_entropy = cross_entropy<T, Isa>;
  table.affine_u8 = affine_u8<T, Isa>;
  table.affine = affine<T, Isa>;
  table.sgd = sgd<T, Isa>;
  table.adam = adam<T, Isa>;
  if constexpr (sizeof(T) == sizeof(float)) {
    table.plan_matmul = plan_matmul<T, Isa>;
    table.matmul_workspace = matmul_workspace<T, Isa>;
    table.matmul = matmul<T, Isa>;
    table.packed_size = packed_size<T, Isa>;
    table.pack = pack<T, Isa>;
  }
  return table;
}

}  // namespace wick::cpu
