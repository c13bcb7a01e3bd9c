// SPDX-License-Identifier: MIT
// Kernels that walk over memory once, written as plain loops that the compiler vectorises for the
// instruction set at hand.
#pragma once

#include "kernels/cpu/simd/elementwise_table.h"
#include "kernels/formulas/binary.h"

namespace wick::cpu {

template <typename T, typename Isa, BinaryOp Op>
void binary(const BinaryTask<T>& task) {
  const formulas::Binary<Op, T> function{task.alpha, task.beta};
  for (std::int64_t i = 0; i < task.count; ++i) task.out[i] = function(task.a[i], task.b[i]);
}

}  // namespace wick::cpu
