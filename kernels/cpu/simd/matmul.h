// SPDX-License-Identifier: MIT
// Matrix products. Each element of C is summed in an order that depends on the shapes alone, never
// on how the rows are shared out among threads.
//
// Two methods:
// - Outer products (matmul_outer.h): a tile of C stays in registers while k runs; rows of B are
// read
//   as vectors, elements of A are broadcast. B's columns must be contiguous; a panel of them is
//   copied to a workspace first where they are not, or where B is large enough for the copy to pay.
// - Inner products (matmul_inner.h): for C = A Bᵀ with few rows, where copying B would cost more
// than
//   it saves: vectors run along k in both, and their lanes are added up at the end.
#pragma once

#include "kernels/cpu/simd/matmul_inner.h"
#include "kernels/cpu/simd/matmul_outer.h"

namespace wick::cpu {

// Fewer rows than this do not repay a transposing copy of B.
inline constexpr std::int64_t kInnerRows = 48;

template <typename T, typename Isa>
bool prefers_inner(const MatmulTask<T>& task) {
  return task.b_row == 1 && task.a_col == 1 && task.rows <= kInnerRows &&
         task.depth >= kLanes<T, Isa>;
}

template <typename T, typename Isa>
std::int64_t matmul_workspace(std::int64_t rows, std::int64_t cols, std::int64_t depth) {
  (void)rows;
  (void)cols;
  return outer_workspace<T, Isa>(depth);
}

template <typename T, typename Isa>
void matmul(const MatmulTask<T>& task) {
  if (task.depth > 0 && prefers_inner<T, Isa>(task)) {
    matmul_inner<T, Isa>(task);
  } else {
    matmul_outer<T, Isa>(task);
  }
}

}  // namespace wick::cpu
