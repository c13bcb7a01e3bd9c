// SPDX-License-Identifier: MIT
// Functions of two and three tensors, element by element: contiguous ones in packs (map.cuh), any
// other layout by the loops of loops.cuh.
#pragma once

#include "kernels/cuda/loops.cuh"
#include "kernels/cuda/map.cuh"
#include "kernels/formulas/arithmetic.h"
#include "wick/core/backend/arithmetic.h"

namespace wick::cuda {

inline constexpr int kArithmeticThreads = 256;

/// The elements of an operand, or a number in their place.
template <typename T>
struct Input {
  const T* data;  // null: the number
  T number;
  __device__ T operator[](std::int64_t i) const { return data == nullptr ? number : data[i]; }
};

/// The enumerator is the same for all threads: one kernel serves all functions.
template <typename T>
__host__ __device__ inline T compute(BinaryOp op, T a, T b, T alpha) {
  switch (op) {
    case BinaryOp::add: return formulas::Binary<BinaryOp::add>::apply(a, b, alpha);
    case BinaryOp::sub: return formulas::Binary<BinaryOp::sub>::apply(a, b, alpha);
    case BinaryOp::mul: return formulas::Binary<BinaryOp::mul>::apply(a, b, alpha);
    case BinaryOp::minimum: return formulas::Binary<BinaryOp::minimum>::apply(a, b, alpha);
    case BinaryOp::maximum: return formulas::Binary<BinaryOp::maximum>::apply(a, b, alpha);
    default: break;
  }
  if constexpr (std::is_floating_point_v<T>) {
    return formulas::Binary<BinaryOp::div>::apply(a, b, alpha);
  } else {
    return a;  // the launcher refuses it
  }
}
template <typename T>
__host__ __device__ inline bool compare(BinaryOp op, T a, T b) {
  switch (op) {
    case BinaryOp::eq: return a == b;
    case BinaryOp::ne: return a != b;
    case BinaryOp::lt: return a < b;
    case BinaryOp::le: return a <= b;
    case BinaryOp::gt: return a > b;
    default: return a >= b;
  }
}

/// For launch_map(): the second argument, or the first, may be a number.
template <typename T>
struct BinaryFunction {
  BinaryOp op;
  T alpha;
  T number;
  bool number_first;
  bool number_second;
  __host__ __device__ T operator()(T a, T b) const {
    return compute(op, number_first ? number : a, number_second ? number : b, alpha);
  }
};

/// The result first in the loops, then the operands. A comparison's result is bool.
template <typename Index, bool Comparison, typename T>
__global__ void __launch_bounds__(kArithmeticThreads)
    binary_kernel(BinaryOp op, KernelLoops<3> loops, std::conditional_t<Comparison, bool, T>* out,
                  Input<T> a, Input<T> b, T alpha) {
  for (std::int64_t i = grid_thread(); i < loops.count; i += grid_threads()) {
    const Offsets<3> at = offsets_of<Index>(loops, i);
    if constexpr (Comparison) {
      out[at.at[0]] = compare(op, a[at.at[1]], b[at.at[2]]);
    } else {
      out[at.at[0]] = compute(op, a[at.at[1]], b[at.at[2]], alpha);
    }
  }
}

template <typename Index, TernaryOp Op, typename T>
__global__ void __launch_bounds__(kArithmeticThreads)
    ternary_kernel(KernelLoops<4> loops, T* out, Input<T> a, Input<T> b, Input<T> c) {
  for (std::int64_t i = grid_thread(); i < loops.count; i += grid_threads()) {
    const Offsets<4> at = offsets_of<Index>(loops, i);
    out[at.at[0]] = formulas::Ternary<Op>::apply(a[at.at[1]], b[at.at[2]], c[at.at[3]]);
  }
}

/// Elements of any dtype, as they are.
template <typename Index, typename Unit>
__global__ void __launch_bounds__(kArithmeticThreads)
    where_kernel(KernelLoops<4> loops, Unit* out, const bool* condition, Input<Unit> a,
                 Input<Unit> b) {
  for (std::int64_t i = grid_thread(); i < loops.count; i += grid_threads()) {
    const Offsets<4> at = offsets_of<Index>(loops, i);
    out[at.at[0]] = condition[at.at[1]] ? a[at.at[2]] : b[at.at[3]];
  }
}

}  // namespace wick::cuda
