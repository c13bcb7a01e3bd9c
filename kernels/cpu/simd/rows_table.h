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
  T* grad;  // or null
  std::int64_t grad_stride;
};

template <typename T>
struct RowsTable {
  void (*column_sums)(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride, T* out,
                      bool accumulate);
  /// Targets have been checked.
  void (*cross_entropy)(const CrossEntropyTask<T>&);
  /// out[i] = in[i] * scale + shift.
  void (*affine_u8)(const std::uint8_t* in, T scale, T shift, T* out, std::int64_t count);
  void (*affine)(const T* in, T scale, T shift, T* out, std::int64_t count);
};
template <typename T, typename Isa>
[[nodiscard]] RowsTable<T> rows_table();

}  // namespace wick::cpu
