// SPDX-License-Identifier: MIT
// Products of float32 matrices: what the kernels get, and which there are.
#pragma once

#include <cstdint>

namespace wick::cpu {

/// How a product is computed; see matmul.h. Fixes the order in which each element is summed.
enum class MatmulMethod { inner, outer, packed_row };

/// Backend::matmul, or a rectangle of its C.
template <typename T>
struct MatmulTask {
  const T* a;  // (m, k) lies at a[m * a_row + k * a_col]
  std::int64_t a_row;
  std::int64_t a_col;
  const T* b;  // (k, n) lies at b[k * b_row + n * b_col], and one of the strides is 1; or packed
  std::int64_t b_row;
  std::int64_t b_col;
  T* c;
  std::int64_t c_row;
  std::int64_t rows;
  std::int64_t cols;
  std::int64_t depth;
  bool accumulate;
  bool relu;
  bool transpose_c;    // (m, n) lies at c[n * c_row + m], the mask likewise; the bias goes by m
  bool packed;         // B was brought into the order of pack()
  const T* bias;       // or null
  const T* relu_mask;  // or null
  std::int64_t mask_row;
  // Of the whole C, whatever part of it this is; plan_matmul() sets both.
  MatmulMethod method;
  std::int64_t depth_block;     // values of k worked on at once: the most
  int panel_vectors;            // of a tile of outer products, the most; 0: as of a packed B
  std::int64_t block_elements;  // elements of B worked on at once, for the caches' sake
  T* workspace;                 // matmul_workspace() elements, aligned to 64 bytes
};

/// Rows [first, last) of the task's C.
template <typename T>
[[gnu::always_inline]] inline MatmulTask<T> rows_of(MatmulTask<T> task, std::int64_t first,
                                                    std::int64_t last) {
  task.rows = last - first;
  task.a += first * task.a_row;
  task.c += first * (task.transpose_c ? 1 : task.c_row);
  if (task.relu_mask != nullptr) task.relu_mask += first * (task.transpose_c ? 1 : task.mask_row);
  if (task.bias != nullptr && task.transpose_c) task.bias += first;
  return task;
}

/// Columns [first, last) of the task's C. Of a packed task, `first` must begin a panel.
template <typename T>
[[gnu::always_inline]] inline MatmulTask<T> cols_of(MatmulTask<T> task, std::int64_t first,
                                                    std::int64_t last) {
  task.cols = last - first;
  task.b += first * (task.packed ? task.depth : task.b_col);
  task.c += first * (task.transpose_c ? task.c_row : 1);
  if (task.relu_mask != nullptr) task.relu_mask += first * (task.transpose_c ? task.mask_row : 1);
  if (task.bias != nullptr && !task.transpose_c) task.bias += first;
  return task;
}

/// All null for float64, whose products are Eigen's.
template <typename T>
struct MatmulTable {
  /// Sets what the order of the sums depends on; may transpose the task (transpose_c). A packed
  /// task becomes another where pack() leaves B as it was.
  void (*plan_matmul)(MatmulTask<T>* whole);
  std::int64_t (*matmul_workspace)(const MatmulTask<T>& part);
  void (*matmul)(const MatmulTask<T>& part);
  // B in the order in which outer products read it: its size in elements, and the copy.
  std::int64_t (*packed_size)(std::int64_t cols, std::int64_t depth);
  void (*pack)(const MatmulTask<T>& whole, T* packed);
};
template <typename T, typename Isa>
[[nodiscard]] MatmulTable<T> matmul_table();

}  // namespace wick::cpu
