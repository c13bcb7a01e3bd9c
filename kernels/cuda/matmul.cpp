// SPDX-License-Identifier: MIT
// BLAS is column-major, wick is row-major. A row-major matrix, read column by column, is its own
// transpose: the bytes of C (M, N) are those of Cᵀ (N, M) in column-major order. And
//
//     Cᵀ = (op(A) op(B))ᵀ = op(B)ᵀ op(A)ᵀ
//
// so that BLAS is asked for m = N, n = M and k = K, with B as its first operand and A as its
// second. Read by columns both are transposed already: an operand that wick does not transpose is
// not transposed for BLAS either, one that it does is. A row of C is a column of Cᵀ, so that the
// bias with one element for each column of C is BLAS's bias with one for each row, and a row of C's
// bits is a column of BLAS's. The sums of the columns of wick's first operand, as it is stored, are
// those over k of BLAS's second: with dW = dYᵀ X, the gradient of the bias.
#include "kernels/cuda/matmul.h"

#include <algorithm>

#include "kernels/cuda/matmul_copies.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/error.h"

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

// What is left to do when the product is there.
struct Rest {
  bool bias;
  bool relu;
  bool mask;
  bool sums;
};

class Multiplication {
 public:
  Multiplication(const MatmulArgs& args, bool tf32, Blas& blas, StreamState& stream)
      : args_(args), tf32_(tf32), blas_(blas), stream_(stream) {
    product_.dtype = args.operand_dtype;
    product_.c_dtype = args.dtype;
    product_.a = operand("the second operand", args.b, args.transpose_b);
    product_.b = operand("the first operand", args.a, args.transpose_a);
    product_.c = args.c.data;
    product_.m = args.c.cols;
    product_.n = args.c.rows;
    product_.k = args.transpose_a ? args.a.rows : args.a.cols;
    product_.c_stride = operand("the result", args.c, false).stride;
    product_.accumulate = args.accumulate;
  }

  // With as much of the rest as the library can do.
  Rest run(Rest rest) {
    if (rest.bias) {
      void* const bias = const_cast<void*>(args_.bias);  // only read
      if (multiply(Epilogue::bias, bias)) return {false, rest.relu, rest.mask, rest.sums};
    } else if (rest.relu) {
      // Nothing that the library could do: see Epilogue.
    } else if (rest.mask && args_.relu_bits.data != nullptr && *args_.relu_bits.valid) {
      if (multiply(Epilogue::relu_gradient, nullptr)) return {false, false, false, rest.sums};
    } else if (rest.sums && !args_.accumulate_sums) {
      if (multiply(Epilogue::b_sums, args_.a_sums)) return {false, false, rest.mask, false};
    }
    if (!multiply(Epilogue::none, nullptr) && !multiply_copies(product_, tf32_, blas_, stream_)) {
      throw DeviceError(concat("matmul: cuBLASLt has no algorithm for ", product_.n, " x ",
                               product_.k, " with ", product_.k, " x ", product_.m, " ",
                               product_.dtype, " into ", product_.c_dtype,
                               ", nor for copies of them that are aligned to 16 bytes",
                               "; use another dtype or the device \"cpu\""));
    }
    return rest;
  }

 private:
  bool multiply(Epilogue epilogue, void* vector) {
    product_.epilogue = epilogue;
    product_.vector = vector;
    product_.bits = args_.relu_bits.data;
    return blas_.multiply(product_, tf32_, stream_);
  }

  const MatmulArgs& args_;
  bool tf32_;
  Blas& blas_;
  StreamState& stream_;
  Product product_;
};

}  // namespace

void matmul(const MatmulArgs& args, bool tf32, Blas& blas, StreamState& stream) {
  // With `relu`, the bits are those of another output until this one's are there.
  if (args.relu && args.relu_bits.valid != nullptr) *args.relu_bits.valid = false;
  Rest rest{args.bias != nullptr, args.relu, args.relu_mask.data != nullptr,
            args.a_sums != nullptr};
  const std::int64_t depth = args.transpose_a ? args.a.rows : args.a.cols;
  if (args.c.rows != 0 && args.c.cols != 0) {
    if (depth != 0) {
      rest = Multiplication(args, tf32, blas, stream).run(rest);
    } else if (!args.accumulate) {
      clear(args, stream.stream());
    }
    const EpilogueArgs epilogue{args.dtype,
                                args.c,
                                rest.bias ? args.bias : nullptr,
                                rest.relu,
                                rest.mask ? args.relu_mask : ConstMatrixRef{},
                                args.relu ? args.relu_bits.data : nullptr};
    check(launch_epilogue(epilogue, stream.launch()), "matmul");
    if (epilogue.relu_bits != nullptr) *args.relu_bits.valid = true;
  }
  if (!rest.sums) return;
  check(launch_column_sums(args.operand_dtype, args.a, args.dtype, args.a_sums,
                           args.accumulate_sums, stream.launch()),
        "matmul");
}

}  // namespace wick::cuda
