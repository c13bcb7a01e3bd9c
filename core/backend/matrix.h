// SPDX-License-Identifier: MIT
// The matrix family of a device's operations: matrices and their products.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "wick/core/dtype.h"

namespace wick {

/// Element (r, c) lies `r * stride + c` elements behind `data`.
struct ConstMatrixRef {
  const void* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t stride = 0;
};

/// Element (r, c) lies `r * stride + c` elements behind `data`.
struct MatrixRef {
  void* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t stride = 0;
  operator ConstMatrixRef() const noexcept {  // NOLINT(*-explicit-*)
    return {data, rows, cols, stride};
  }
};

/// What a ReLU has let through, a bit for each element, for the product that takes its gradient:
/// less to read than the ReLU's output. Backend::relu_bits_bytes() in memory of the device, laid
/// out as it likes.
struct ReluBitsRef {
  void* data = nullptr;   // none: not wanted
  bool* valid = nullptr;  // in host memory: whether the bits are those of the last ReLU
};

/// C = epilogue(op(A) op(B)), where op transposes or not. In this order:
/// plus C itself (accumulate), plus bias on each row, then ReLU, then zero wherever the mask is
/// zero or less. NaN passes through the ReLU, and a mask of NaN lets pass, as in PyTorch.
///
/// A and B are of `operand_dtype`: `dtype` itself, or bfloat16 where `dtype` is float32 or
/// bfloat16. Products of bfloat16 are summed in float32; a C of bfloat16 is rounded to it.
/// Everything beside A and B has `dtype`.
struct MatmulArgs {
  DType dtype = DType::float32;
  DType operand_dtype = dtype;
  ConstMatrixRef a{};  // (M, K), or (K, M) if transpose_a
  ConstMatrixRef b{};  // (K, N), or (N, K) if transpose_b
  MatrixRef c{};       // (M, N)
  bool transpose_a = false;
  bool transpose_b = false;
  /// b is what Backend::pack_weight() made of a B (N, K), with K as its stride. Only with
  /// transpose_b, and without accumulate, a mask and a_sums.
  bool packed_b = false;
  bool accumulate = false;
  const void* bias = nullptr;  // (N) or none
  bool relu = false;
  ConstMatrixRef
      relu_mask{};  // (M, N), or data == nullptr: the output of a ReLU whose gradient C is
  /// With `relu`: receives the bits of C, where the device can. With relu_mask: those of the mask,
  /// which are used in its place where they are valid.
  ReluBitsRef relu_bits{};
  /// (M), or none; only with transpose_a: the sums of A's columns. A layer's bias gradient, where
  /// the product is its weight's.
  void* a_sums = nullptr;
  bool accumulate_sums = false;  // added to what is there
};

/// A product of one row, prepared by Backend::prepare_row(): all is decided but where A and C lie.
/// Copies are as good; threads may run one at the same time.
struct PreparedRow {
  /// Null where nothing is prepared.
  void (*run)(const PreparedRow& prepared, const void* a, void* c) = nullptr;
  alignas(std::max_align_t) std::array<std::byte, 256> state{};  // the device's own
};

}  // namespace wick
