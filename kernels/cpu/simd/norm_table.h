// SPDX-License-Identifier: MIT
// Normalisation: what the kernels get. How they make up an operation is in kernels/cpu/norm.cpp.
#pragma once

#include <cstdint>

namespace wick::cpu {

// Means are given as `mean`, rounded to T, and what is left of them is in a shift: x - mean is then
// nearly exact also where the mean is far larger than the deviation.

/// y[i] = ((x[i] - mean) scale + shift) weight[i] + bias[i].
template <typename T>
struct NormRowTask {
  const T* x;
  T* y;
  const T* weight;  // or null: 1
  const T* bias;    // or null: 0
  std::int64_t count;
  T mean;
  T scale;
  T shift;
};

/// grad_input[i] = a p[i] + b (x[i] - mean) + c with p[i] = grad_output[i] weight[i]; adds
/// grad_output[i] ((x[i] - mean) scale + shift) to grad_weight[i] and grad_output[i] to
/// grad_bias[i].
template <typename T>
struct NormRowGradTask {
  const T* grad_output;
  const T* x;
  const T* weight;  // or null: 1
  T* grad_input;    // each or null
  T* grad_weight;
  T* grad_bias;
  std::int64_t count;
  T mean;
  T a;
  T b;
  T c;
  T scale;
  T shift;
};

/// The columns of a matrix; as for rows, with vectors of one element for each column in place of
/// mean, scale and shift, or of a, b and c.
template <typename T>
struct NormColumnsTask {
  const T* grad_output;  // of gradients
  const T* x;
  T* out;  // y or grad_input
  std::int64_t rows;
  std::int64_t cols;
  std::int64_t stride;
  const T* mean;
  const T* a;  // scale
  const T* b;  // shift
  const T* c;
};

template <typename T>
struct NormTable {
  /// sums[0] += sum of x - origin, sums[1] += sum of its squares.
  void (*norm_sums)(const T* x, std::int64_t count, T origin, double* sums);
  void (*norm_row)(const NormRowTask<T>&);
  /// sums[0] += sum of p, sums[1] += sum of p (x - mean), sums[2] += sum of x - mean.
  void (*norm_grad_sums)(const NormRowGradTask<T>&, double* sums);
  void (*norm_row_grad)(const NormRowGradTask<T>&);
  // Sums of columns: sums[k * cols + column].
  /// As norm_sums, with the first row as origin.
  void (*norm_column_sums)(const NormColumnsTask<T>&, double* sums);
  void (*norm_columns)(const NormColumnsTask<T>&);
  void (*norm_column_grad_sums)(const NormColumnsTask<T>&, double* sums);
  void (*norm_columns_grad)(const NormColumnsTask<T>&);
};
template <typename T, typename Isa>
[[nodiscard]] NormTable<T> norm_table();

}  // namespace wick::cpu
