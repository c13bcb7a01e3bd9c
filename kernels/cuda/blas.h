// SPDX-License-Identifier: MIT
// What wick needs of a library of matrix products; cublas_lt.cpp has it of cuBLASLt.
#pragma once

#include <cstdint>
#include <memory>

#include "kernels/cuda/stream_state.h"
#include "wick/core/dtype.h"

namespace wick::cuda {

/// A matrix in column-major order, as BLAS has them: element (r, c) lies c * stride + r elements
/// behind `data`.
struct ColumnMajor {
  const void* data = nullptr;
  std::int64_t rows = 0;  // as stored, before a transposition
  std::int64_t cols = 0;
  std::int64_t stride = 0;  // at least rows
  bool transpose = false;
};

/// What a product does beside the product itself. No ReLU: cuBLASLt's makes 0 of NaN, so that a
/// network that has gone wrong would look well; wick's own kernel goes over C instead, which costs
/// a launch for each ReLU behind a product.
enum class Epilogue {
  none,
  bias,           // plus a bias for each row of C
  relu_gradient,  // zero where the bit of a ReLU is not set
  b_sums,         // beside C, the sums of op(B)'s columns
};

/// C = epilogue(op(A) op(B) + beta C). Sums are float32 for operands of bfloat16.
struct Product {
  DType dtype = DType::float32;    // of A and B
  DType c_dtype = DType::float32;  // of C and `vector`: the same, or float32 for bfloat16
  ColumnMajor a{};                 // op(A): (m, k)
  ColumnMajor b{};                 // op(B): (k, n)
  void* c = nullptr;
  std::int64_t m = 0;  // at least 1, as n and k
  std::int64_t n = 0;
  std::int64_t k = 0;
  std::int64_t c_stride = 0;  // at least m
  bool accumulate = false;    // beta is 1, else 0, and C is not read
  Epilogue epilogue = Epilogue::none;
  void* vector = nullptr;      // the bias (m), or b_sums (n)
  const void* bits = nullptr;  // (m, n) bits, columns relu_bits_stride(m) bits apart
};

class Blas {
 public:
  Blas() = default;
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;
  virtual ~Blas() = default;

  /// Whether the library says that it has an algorithm for the product with its epilogue, where its
  /// operands lie.
  [[nodiscard]] virtual bool has_algorithm(const Product& product, bool tf32) = 0;
  /// Gives the product to the stream. Returns false, and has done nothing, where the library has no
  /// algorithm for it. `tf32`: float32 products may round their operands to 10 bits of mantissa.
  /// Results are the same from run to run. Can be captured in a graph.
  [[nodiscard]] virtual bool multiply(const Product& product, bool tf32, StreamState& stream) = 0;
};

/// The library for the current device. Throws DeviceError that names it where it is missing.
[[nodiscard]] std::unique_ptr<Blas> make_blas();

}  // namespace wick::cuda
