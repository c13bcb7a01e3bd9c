// SPDX-License-Identifier: MIT
// Matrix products. Each element of C is summed in an order that depends on the whole product's
// shape alone, never on how C is shared out among threads.
//
// Three methods:
// - Outer products (matmul_outer.h): a tile of C stays in registers while k runs; rows of B are
//   read as vectors, elements of A are broadcast. Where B's columns do not lie side by side, panels
//   of B are transposed into a workspace first.
// - Outer products, turned round: Cᵀ = Bᵀ Aᵀ for C = A Bᵀ with fewer rows than columns, so that the
//   smaller of the two matrices is the one to transpose.
// - Inner products (matmul_inner.h): for C = A Bᵀ with so few rows or columns that to transpose
//   would cost more than it saves: vectors run along k in both, and their lanes are added up at
//   the end.
// And outer products with a B that was packed before (matmul_packed.h).
#pragma once

#include "kernels/cpu/simd/matmul_inner.h"
#include "kernels/cpu/simd/matmul_packed.h"

namespace wick::cpu {

// Whether C = A Bᵀ, with the elements of both side by side along k.
template <typename T>
[[gnu::always_inline]] inline bool both_lie_along_k(const MatmulTask<T>& whole) {
  return whole.b_row == 1 && whole.b_col != 1 && whole.a_col == 1;
}

// Of such a product: whether inner products are best.
template <typename T, typename Isa>
bool suits_inner(const MatmulTask<T>& whole) {
  const bool few_rows = whole.rows <= kInnerRows && whole.depth >= kLanes<T, Isa>;
  const bool small =
      whole.rows <= kInnerSide && whole.cols <= kInnerSide && whole.depth >= kInnerDepth;
  return few_rows || has_few_cols(whole) || small;
}

// Of such a product: whether to turn it round, which is to transpose A instead of B, and C for each
// block of k.
template <typename T>
[[gnu::always_inline]] inline bool suits_turning(const MatmulTask<T>& whole) {
  const std::int64_t blocks = (whole.depth + kLongDepthBlock - 1) / kLongDepthBlock;
  return whole.rows * (whole.depth + blocks * whole.cols) < whole.cols * whole.depth;
}

template <typename T>
[[gnu::always_inline]] inline void turn_round(MatmulTask<T>* task) {
  const MatmulTask<T> before = *task;
  task->a = before.b;
  task->a_row = before.b_col;
  task->a_col = before.b_row;
  task->b = before.a;
  task->b_row = before.a_col;
  task->b_col = before.a_row;
  task->rows = before.cols;
  task->cols = before.rows;
  task->transpose_c = true;
}

template <typename T>
[[gnu::always_inline]] inline std::int64_t choose_depth_block(const MatmulTask<T>& whole) {
  if (whole.transpose_c || whole.cols <= kFewCols) return kLongDepthBlock;
  return whole.packed && whole.cols > kManyCols ? kShortDepthBlock : kDepthBlock;
}

template <typename T, typename Isa>
void plan_matmul(MatmulTask<T>* whole) {
  whole->method = MatmulMethod::outer;
  if (whole->packed && has_few_cols(*whole)) {  // see pack()
    whole->method = MatmulMethod::inner;
    whole->packed = false;
    whole->b_row = 1;
    whole->b_col = whole->depth;
  } else if (whole->packed) {
    if (whole->rows == 1) whole->method = MatmulMethod::packed_row;
  } else if (both_lie_along_k(*whole)) {
    if (suits_inner<T, Isa>(*whole)) {
      whole->method = MatmulMethod::inner;
    } else if (suits_turning(*whole)) {
      turn_round(whole);
    }
  }
  whole->depth_block = choose_depth_block(*whole);
}

template <typename T, typename Isa>
std::int64_t matmul_workspace(const MatmulTask<T>& part) {
  // With a packed B, for the copies of A where its elements lie along m.
  const bool copies = !part.packed || part.a_col != 1;
  return part.method == MatmulMethod::outer && copies ? outer_workspace<T, Isa>(part) : 0;
}

template <typename T, typename Isa>
void matmul(const MatmulTask<T>& part) {
  switch (part.method) {
    case MatmulMethod::inner: return matmul_inner<T, Isa>(part);
    case MatmulMethod::outer: return matmul_outer<T, Isa>(part);
    case MatmulMethod::packed_row: return matmul_packed_row<T, Isa>(part);
  }
}

}  // namespace wick::cpu
