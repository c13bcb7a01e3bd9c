// SPDX-License-Identifier: MIT
// Matrix products. Each element of C is summed in an order that depends on the method and the depth
// alone, never on how C is shared out among threads.
//
// Three methods:
// - Outer products (matmul_outer.h): a tile of C stays in registers while k runs; rows of B are
//   read as vectors, elements of A are broadcast. Where B's columns do not lie side by side, panels
//   of B are transposed into a workspace first.
// - Outer products, swapped: Cᵀ = Bᵀ Aᵀ for C = A Bᵀ with fewer rows than columns, so that the
//   smaller of the two matrices is the one to transpose.
// - Inner products (matmul_inner.h): for C = A Bᵀ with so few rows or columns that to transpose
//   would cost more than it saves: vectors run along k in both, and their lanes are added up at
//   the end.
// And outer products with a B that was packed before (matmul_packed.h).
#pragma once

#include "kernels/cpu/simd/matmul_inner.h"
#include "kernels/cpu/simd/matmul_packed.h"

namespace wick::cpu {

template <typename T, typename Isa>
MatmulMethod choose_matmul(const MatmulTask<T>& whole) {
  const bool both_along_k = whole.b_row == 1 && whole.b_col != 1 && whole.a_col == 1;
  if (!both_along_k) return MatmulMethod::outer;
  const bool few_rows = whole.rows <= kInnerRows && whole.depth >= kLanes<T, Isa>;
  const bool small = whole.rows <= kInnerSide && whole.cols <= kInnerSide;
  if (few_rows || has_few_cols(whole) || (small && whole.depth >= kInnerDepth)) {
    return MatmulMethod::inner;
  }
  // To swap is to transpose A instead of B, and C, for each block of k.
  const std::int64_t blocks = (whole.depth + kLongDepthBlock - 1) / kLongDepthBlock;
  const bool swap = whole.rows * (whole.depth + blocks * whole.cols) < whole.cols * whole.depth;
  return swap ? MatmulMethod::outer_swapped : MatmulMethod::outer;
}

template <typename T, typename Isa>
void plan_matmul(MatmulTask<T>* whole) {
  const bool packed = is_packed(whole->method);
  if (!packed) {
    whole->method = choose_matmul<T, Isa>(*whole);
  } else if (has_few_cols(*whole)) {  // see pack()
    whole->method = MatmulMethod::inner;
    whole->b_row = 1;
    whole->b_col = whole->depth;
  }
  const bool few_blocks = whole->method == MatmulMethod::outer_swapped || whole->cols <= kFewCols;
  whole->depth_block = few_blocks                          ? kLongDepthBlock
                       : packed && whole->cols > kManyCols ? kShortDepthBlock
                                                           : kDepthBlock;
}

template <typename T>
MatmulTask<T> swapped(const MatmulTask<T>& task) {
  MatmulTask<T> result = task;
  result.a = task.b;
  result.a_row = task.b_col;
  result.a_col = task.b_row;
  result.b = task.a;
  result.b_row = task.a_col;
  result.b_col = task.a_row;
  result.rows = task.cols;
  result.cols = task.rows;
  result.transpose_c = true;
  return result;
}

template <typename T, typename Isa>
std::int64_t matmul_workspace(const MatmulTask<T>& part) {
  switch (part.method) {
    case MatmulMethod::inner:
    case MatmulMethod::packed:
    case MatmulMethod::packed_row: return 0;
    case MatmulMethod::outer_swapped: return outer_workspace<T, Isa>(swapped(part));
    default: return outer_workspace<T, Isa>(part);
  }
}

template <typename T, typename Isa>
void matmul(const MatmulTask<T>& part) {
  switch (part.method) {
    case MatmulMethod::inner: return matmul_inner<T, Isa>(part);
    case MatmulMethod::packed_row: return matmul_packed_row<T, Isa>(part);
    case MatmulMethod::outer_swapped: return matmul_outer<T, Isa>(swapped(part));
    default: return matmul_outer<T, Isa>(part);
  }
}

}  // namespace wick::cpu
