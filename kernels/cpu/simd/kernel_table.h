// SPDX-License-Identifier: MIT
// The CPU kernels behind the backend, as function pointers: one table per instruction set and
// element type. Arguments are plain structs over raw memory; sizes and strides are in elements.
#pragma once

#include <cstdint>

#include "core/backend/elementwise.h"
#include "core/backend/loss.h"

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

/// Backend::unary.
template <typename T>
struct UnaryTask {
  const T* x;
  T* y;
  std::int64_t count;
  T a;
  T b;
};

/// Backend::unary_backward.
template <typename T>
struct UnaryBackwardTask {
  const T* grad_output;
  const T* saved;
  T* grad_input;
  std::int64_t count;
  T a;
  T b;
};

template <typename T>
struct CrossEntropyTask {
  const T* logits;
  std::int64_t row_stride;
  std::int64_t rows;
  std::int64_t classes;
  const std::int64_t* targets;
  const T* class_weights;  // or null
  double label_smoothing;
  std::int64_t ignore_index;
  bool mean;
  T* loss;
  T* grad;  // or null
  std::int64_t grad_stride;
};

template <typename T>
struct SgdTask {
  std::int64_t count;
  T* param;
  const T* grad;
  T* momentum_buffer;  // or null
  bool first_step;
  bool nesterov;
  T sign;  // -1 to maximize, else 1
  T lr;
  T momentum;
  T one_minus_dampening;
  T weight_decay;
  T mean_weight;  // see negligible.h
};

template <typename T>
struct AdamTask {
  std::int64_t count;
  T* param;
  const T* grad;
  T* exp_avg;
  T* exp_avg_sq;
  T* max_exp_avg_sq;  // or null
  T sign;             // -1 to maximize, else 1
  T decay;            // what the parameter is multiplied by first: 1 - lr * weight_decay, or 1
  T weight_decay;     // what is added to the gradient: weight_decay * param, or 0
  T beta2;
  T one_minus_beta1;
  T one_minus_beta2;
  T step_size;                      // lr / (1 - beta1^step)
  T inverse_bias_correction2_sqrt;  // 1 / sqrt(1 - beta2^step)
  T eps;
  T mean_weight;        // see negligible.h
  T negligible_square;  // likewise
};

/// Losses over (rows, cols) elements, see PointwiseLossArgs.
template <typename T>
struct PointwiseLossTask {
  const T* input;
  const T* target;
  const T* weight;      // (cols) or null
  const T* pos_weight;  // likewise
  T* grad;              // or null
  std::int64_t rows;
  std::int64_t cols;
  T a;
  T scale;  // of the gradient
};

template <typename T>
struct KernelTable {
  const char* name;
  // Products; null for float64, whose products are Eigen's.
  /// Sets what the order of the sums depends on; may turn the task round (transpose_c). A packed
  /// task becomes another where pack() leaves B as it was.
  void (*plan_matmul)(MatmulTask<T>* whole);
  std::int64_t (*matmul_workspace)(const MatmulTask<T>& part);
  void (*matmul)(const MatmulTask<T>& part);
  // B in the order in which outer products read it: its size in elements, and the copy.
  std::int64_t (*packed_size)(std::int64_t cols, std::int64_t depth);
  void (*pack)(const MatmulTask<T>& whole, T* packed);
  void (*column_sums)(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride, T* out,
                      bool accumulate);
  /// out[i] = a[i] + b[i], and their product; in place if `out` is one of them.
  void (*add)(const T* a, const T* b, T* out, std::int64_t count);
  void (*multiply)(const T* a, const T* b, T* out, std::int64_t count);
  /// By LossOp; returns the sum of the losses.
  double (*pointwise_loss[kLossOpCount])(const PointwiseLossTask<T>&);
  // By UnaryOp.
  void (*unary[kUnaryOpCount])(const UnaryTask<T>&);
  void (*unary_backward[kUnaryOpCount])(const UnaryBackwardTask<T>&);
  /// Targets have been checked.
  void (*cross_entropy)(const CrossEntropyTask<T>&);
  /// out[i] = in[i] * scale + shift.
  void (*affine_u8)(const std::uint8_t* in, T scale, T shift, T* out, std::int64_t count);
  void (*affine)(const T* in, T scale, T shift, T* out, std::int64_t count);
  void (*sgd)(const SgdTask<T>&);
  void (*adam)(const AdamTask<T>&);
};

}  // namespace wick::cpu
