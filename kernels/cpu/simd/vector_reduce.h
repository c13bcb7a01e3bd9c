// SPDX-License-Identifier: MIT
// Reductions of a vector, written as loops over a row of results side by side, which the compiler
// vectorises for the instruction set at hand.
#pragma once

#include "kernels/cpu/simd/vector_reduce_table.h"
#include "kernels/formulas/vector_reduce.h"

namespace wick::cpu {

template <typename T, typename Isa, VectorReduceOp Op>
double vector_reduce(const VectorReduceTask<T>& task) {
  constexpr int kSides = 32;
  double sides[kSides] = {};
  const auto add = [&](int side, std::int64_t i) __attribute__((always_inline)) {
    const double term = formulas::reduce_term<Op>(static_cast<double>(task.a[i]),
                                                  static_cast<double>(task.b[i]), task.power);
    sides[side] = formulas::reduce_both<Op>(sides[side], term);
  };
  std::int64_t i = 0;
  for (; i + kSides <= task.count; i += kSides) {
    for (int side = 0; side < kSides; ++side) add(side, i + side);
  }
  for (int side = 0; i < task.count; ++i, ++side) add(side, i);
  double result = sides[0];
  for (int side = 1; side < kSides; ++side) {
    result = formulas::reduce_both<Op>(result, sides[side]);
  }
  return result;
}

template <typename T, typename Isa>
void scale(T* data, T factor, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) data[i] *= factor;
}

}  // namespace wick::cpu
