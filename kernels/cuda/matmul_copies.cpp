// SPDX-License-Identifier: MIT
#include "kernels/cuda/matmul_copies.h"

#include <cstdint>

#include "wick/core/backend/memory.h"

namespace wick::cuda {
namespace {

constexpr std::size_t kRowAlignment = 16;
constexpr std::size_t kMatrixAlignment = 256;

std::size_t padded(std::size_t bytes, std::size_t alignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

// Column by column, each of `rows` elements.
struct Matrix {
  DType dtype{};
  void* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t stride = 0;

  [[nodiscard]] bool is_aligned() const {
    return reinterpret_cast<std::uintptr_t>(data) % kRowAlignment == 0 &&
           static_cast<std::size_t>(stride) * size_of(dtype) % kRowAlignment == 0;
  }
  [[nodiscard]] StridedRef ref() const { return {data, dtype, {cols, rows}, {stride, 1}}; }
};

Matrix matrix_of(const ColumnMajor& operand, DType dtype) {
  return {dtype, const_cast<void*>(operand.data), operand.rows, operand.cols, operand.stride};
}

// A matrix, and the one that takes its place: a copy, or itself.
class Place {
 public:
  // A copy lies `bytes` behind the memory that place() gets, and `bytes` moves on behind it.
  Place(const Matrix& from, DType dtype, std::size_t& bytes)
      : from_(from),
        to_(from),
        offset_(bytes),
        is_copy_(from.dtype != dtype || !from.is_aligned()) {
    if (!is_copy_) return;
    const std::size_t size = size_of(dtype);
    const std::size_t row = padded(static_cast<std::size_t>(from.rows) * size, kRowAlignment);
    to_.dtype = dtype;
    to_.stride = static_cast<std::int64_t>(row / size);
    bytes += padded(row * static_cast<std::size_t>(from.cols), kMatrixAlignment);
  }
  void place(std::byte* memory) {
    if (is_copy_) to_.data = memory + offset_;
  }
  [[nodiscard]] bool is_copy() const noexcept { return is_copy_; }
  [[nodiscard]] const Matrix& matrix() const noexcept { return to_; }

  void copy(StreamState& stream) const { copy(to_, from_, stream); }
  void copy_back(StreamState& stream) const { copy(from_, to_, stream); }

 private:
  void copy(const Matrix& to, const Matrix& from, StreamState& stream) const {
    if (is_copy_) check(launch_copy_strided(to.ref(), from.ref(), stream.launch()), "matmul");
  }

  Matrix from_;
  Matrix to_;
  std::size_t offset_;
  bool is_copy_;
};

bool multiply_as(DType dtype, DType c_dtype, Product product, bool tf32, Blas& blas,
                 StreamState& stream) {
  std::size_t bytes = 0;
  Place a(matrix_of(product.a, product.dtype), dtype, bytes);
  Place b(matrix_of(product.b, product.dtype), dtype, bytes);
  Place c({product.c_dtype, product.c, product.m, product.n, product.c_stride}, c_dtype, bytes);
  if (bytes == 0) return false;  // the library has said no to that
  auto* const memory = static_cast<std::byte*>(stream.operand_copies(bytes));
  a.place(memory);
  b.place(memory);
  c.place(memory);
  product.dtype = dtype;
  product.c_dtype = c_dtype;
  product.a.data = a.matrix().data;
  product.a.stride = a.matrix().stride;
  product.b.data = b.matrix().data;
  product.b.stride = b.matrix().stride;
  product.c = c.matrix().data;
  product.c_stride = c.matrix().stride;
  if (!blas.has_algorithm(product, tf32)) return false;
  a.copy(stream);
  b.copy(stream);
  if (product.accumulate) c.copy(stream);
  if (!blas.multiply(product, tf32, stream)) return false;
  c.copy_back(stream);
  return true;
}

}  // namespace

bool multiply_copies(const Product& product, bool tf32, Blas& blas, StreamState& stream) {
  if (multiply_as(product.dtype, product.c_dtype, product, tf32, blas, stream)) return true;
  return product.dtype == DType::bfloat16 &&
         multiply_as(DType::float32, DType::float32, product, tf32, blas, stream);
}

}  // namespace wick::cuda
