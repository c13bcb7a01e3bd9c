// SPDX-License-Identifier: MIT
// What wick needs of a library of matrix products. cuBLASLt implements it (cublas_lt.h); the tests
// put a plain reference in its place.
#pragma once

#include <cstdint>
#include <memory>

#include "core/dtype.h"
#include "kernels/cuda/stream_state.h"

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

/// C = epilogue(op(A) op(B) + beta C): plus a bias for each row of C, then ReLU.
struct Product {
  DType dtype = DType::float32;
  ColumnMajor a{};  // op(A): (m, k)
  ColumnMajor b{};  // op(B): (k, n)
  void* c = nullptr;
  std::int64_t m = 0;  // at least 1, as n and k
  std::int64_t n = 0;
  std::int64_t k = 0;
  std::int64_t c_stride = 0;   // at least m
  bool accumulate = false;     // beta is 1, else 0, and C is not read
  const void* bias = nullptr;  // (m) or none
  bool relu = false;
};

class Blas {
 public:
  Blas() = default;
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;
  virtual ~Blas() = default;

  /// Whether products of this dtype can have a bias and a ReLU; else they must not be asked for.
  [[nodiscard]] virtual bool has_epilogues(DType dtype) const noexcept = 0;
  /// Gives the product to the stream. `tf32`: float32 products may round their operands to 10 bits
  /// of mantissa. Results are the same from run to run. Can be captured in a graph.
  virtual void multiply(const Product& product, bool tf32, StreamState& stream) = 0;
};

/// The library for the current device. Throws DeviceError that names it where it is missing.
[[nodiscard]] std::unique_ptr<Blas> make_blas();

}  // namespace wick::cuda
