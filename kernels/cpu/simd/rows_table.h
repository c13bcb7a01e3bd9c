// SPDX-License-Identifier: MIT
// Kernels over the rows of a matrix: what they get, and which there are.
#pragma once

#include <cstdint>

namespace wick::cpu {

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
  T* losses;  // of each row, or null
  T* grad;    // or null
  std::int64_t grad_stride;
};

/// Softmax of x, or its logarithm, where `grad_output` is null; else the gradient, where x is what
/// that gave. Of (outer, size, inner) elements, the first `cols` of each `inner`.
template <typename T>
struct SoftmaxTask {
  const T* x;
  const T* grad_output;
  T* out;
  std::int64_t outer;
  std::int64_t size;
  std::int64_t inner;
  std::int64_t cols;
  bool log;
};

/// Backend::prelu of `count` elements where `grad_output` is null; else the gradient by x, unless
/// `out` is null, and the terms of that by the weight, grad_output min(x, 0), which are added to
/// `sums`, unless it is null. The weight and the sum are one, or, with `each`, one for each
/// element.
template <typename T>
struct PreluTask {
  const T* x;
  const T* grad_output;
  const T* weight;
  bool each;
  T* out;
  std::int64_t count;
  double* sums;
};

template <typename T>
struct RowsTable {
  void (*column_sums)(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride, T* out,
                      bool accumulate);
  /// Targets have been checked.
  void (*cross_entropy)(const CrossEntropyTask<T>&);
  /// The same for logits that are logarithms of probabilities.
  void (*nll_loss)(const CrossEntropyTask<T>&);
  /// out[i] = in[i] * scale + shift.
  void (*affine_u8)(const std::uint8_t* in, T scale, T shift, T* out, std::int64_t count);
  void (*affine)(const T* in, T scale, T shift, T* out, std::int64_t count);
  void (*softmax)(const SoftmaxTask<T>&);
  /// sums[i] += row[i].
  void (*add_row)(const T* row, T* sums, std::int64_t count);
  void (*prelu)(const PreluTask<T>&);
};
template <typename T, typename Isa>
[[nodiscard]] RowsTable<T> rows_table();

}  // namespace wick::cpu
