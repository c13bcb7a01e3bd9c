// SPDX-License-Identifier: MIT
// Matrix products. Each element of C is summed in an order that depends on the whole product's
// shape alone, never on how C is shared out among threads.
//
// Methods, among which matmul_cost.h chooses:
// - Outer products (matmul_outer.h): a tile of C stays in registers while k runs; rows of B are
//   read as vectors, elements of A are broadcast. Where B's columns do not lie side by side, panels
//   of B are transposed into a workspace first.
// - The same of the transposed product, Cᵀ = Bᵀ Aᵀ: where A is the smaller one to transpose, or
//   C's rows fill vectors better than its columns do.
// - Inner products (matmul_inner.h), for C = A Bᵀ: vectors run along k in both, and their lanes are
//   added up at the end. For so few rows or columns that to transpose would cost more.
// And outer products with a B that was packed before (matmul_packed.h).
#pragma once

#include "kernels/cpu/simd/matmul_cost.h"
#include "kernels/cpu/simd/matmul_inner.h"
#include "kernels/cpu/simd/matmul_packed.h"

namespace wick::cpu {

// Whether C = A Bᵀ, with the elements of both side by side along k.
template <typename T>
[[gnu::always_inline]] inline bool both_lie_along_k(const MatmulTask<T>& whole) {
  return whole.b_row == 1 && whole.b_col != 1 && whole.a_col == 1;
}

template <typename T>
[[gnu::always_inline]] inline void transpose_product(MatmulTask<T>* task) {
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

// Of a B that was not packed.
template <typename T, typename Isa>
void choose_method(MatmulTask<T>* whole) {
  const std::int64_t rows = whole->rows;
  const std::int64_t cols = whole->cols;
  const std::int64_t depth = whole->depth;
  const auto count = [](std::int64_t a, std::int64_t b) {
    return static_cast<double>(a) * static_cast<double>(b);
  };
  const bool exact = count(rows, cols) * static_cast<double>(depth) > kChoiceWork;
  OuterChoice plain = exact ? choose_panels<T, Isa>(rows, cols, depth, false)
                            : guess_panels<T, Isa>(rows, cols, depth, false);
  if (whole->b_col != 1) plain.cycles += kTransposeCycles * count(cols, depth);
  whole->panel_vectors = plain.vectors;
  double best = plain.cycles;
  // To transpose C pays where that spares transposing B, or columns fill their vectors badly.
  const std::int64_t blocks = (depth + kLongDepthBlock - 1) / kLongDepthBlock;
  double extra = kTransposedSumCycles * count(rows, cols) * static_cast<double>(blocks);
  if (whole->a_row != 1) extra += kTransposeCycles * count(rows, depth);
  const double least_cycles =
      count(rows, cols) * static_cast<double>(depth) / (kProductsPerCycle * kLanes<T, Isa>);
  if (least_cycles + extra < best) {
    const OuterChoice other = exact ? choose_panels<T, Isa>(cols, rows, depth, true)
                                    : guess_panels<T, Isa>(cols, rows, depth, true);
    if (other.cycles + extra < best) {
      best = other.cycles + extra;
      whole->panel_vectors = other.vectors;
      whole->transpose_c = true;
    }
  }
  if (both_lie_along_k(*whole) && inner_cycles<T, Isa>(rows, cols, depth) < best) {
    whole->method = MatmulMethod::inner;
    whole->transpose_c = false;
  }
  if (whole->transpose_c) transpose_product(whole);
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
  } else {
    choose_method<T, Isa>(whole);
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
