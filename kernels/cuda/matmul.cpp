// SPDX-License-Identifier: MIT
// BLAS is column-major, wick is row-major. A row-major matrix, read column by column, is its own
// transpose: the bytes of C (M, N) are those of Cᵀ (N, M) in column-major order. And
//
//     Cᵀ = (op(A) op(B))ᵀ = op(B)ᵀ op(A)ᵀ
//
// so that BLAS is asked for m = N, n = M and k = K, with B as its first operand and A as its
// second. Read by columns both are transposed already: an operand that wick does not transpose is
// not transposed for BLAS either, one that it does is. A row of C is a column of Cᵀ, so that the
// bias with one element for each column of C is BLAS's bias with one for each row.
#include "kernels/cuda/matmul.h"

#include <algorithm>

#include "core/error.h"

namespace wick::cuda {
namespace {

ColumnMajor operand(const char* which, const ConstMatrixRef& matrix, bool transpose) {
  if (matrix.rows > 1 && matrix.stride < matrix.cols) {
    throw ShapeError(concat("matmul: the rows of ", which, " overlap (", matrix.cols,
                            " columns, stride ", matrix.stride,
                            "), which CUDA does not take; use contiguous()"));
  }
  // The stride of a single row says nothing, but must not be too small.
  const std::int64_t stride =
      matrix.rows > 1 ? matrix.stride : std::max<std::int64_t>(matrix.cols, 1);
  return {matrix.data, matrix.cols, matrix.rows, stride, transpose};
}

void clear(const MatmulArgs& args, cudaStream_t stream) {
  const std::size_t size = size_of(args.dtype);
  const MatrixRef& c = args.c;
  const bool dense = c.rows == 1 || c.stride == c.cols;
  const std::int64_t runs = dense ? 1 : c.rows;
  const auto bytes = static_cast<std::size_t>(dense ? c.rows * c.cols : c.cols) * size;
  for (std::int64_t r = 0; r < runs; ++r) {
    std::byte* const row =
        static_cast<std::byte*>(c.data) + static_cast<std::size_t>(r * c.stride) * size;
    check(cudaMemsetAsync(row, 0, bytes, stream), "matmul");
  }
}

}  // namespace

void matmul(const MatmulArgs& args, bool tf32, Blas& blas, StreamState& stream) {
  if (args.c.rows == 0 || args.c.cols == 0) return;
  const std::int64_t depth = args.transpose_a ? args.a.rows : args.a.cols;
  EpilogueArgs rest{args.dtype, args.c, args.bias, args.relu, args.relu_mask};
  if (depth == 0) {
    if (!args.accumulate) clear(args, stream.stream());
  } else {
    Product product;
    product.dtype = args.dtype;
    product.a = operand("the second operand", args.b, args.transpose_b);
    product.b = operand("the first operand", args.a, args.transpose_a);
    product.c = args.c.data;
    product.m = args.c.cols;
    product.n = args.c.rows;
    product.k = depth;
    product.c_stride = operand("the result", args.c, false).stride;
    product.accumulate = args.accumulate;
    if (blas.has_epilogues(args.dtype)) {
      product.bias = args.bias;
      product.relu = args.relu;
      rest.bias = nullptr;
      rest.relu = false;
    }
    blas.multiply(product, tf32, stream);
  }
  if (rest.bias == nullptr && !rest.relu && rest.relu_mask.data == nullptr) return;
  check(launch_epilogue(rest, stream.launch()), "matmul");
}

}  // namespace wick::cuda
