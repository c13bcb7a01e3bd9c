// SPDX-License-Identifier: MIT
// Products of matrices, and of batches of them.
#include <algorithm>

#include "core/broadcast.h"
#include "core/op_checks.h"
#include "wick/core/backend.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"

namespace wick::ops {
namespace {

using namespace checks;  // NOLINT(google-build-using-namespace)

constexpr const char* kName = "matmul";

void add_relu_bits(ReluBits& bits, const Tensor& out, MatmulArgs& args) {
  // Those of an earlier, perhaps smaller, output say nothing: the mask itself is read then.
  if (!bits.memory.defined() || (args.relu_mask.data != nullptr && !bits.valid)) return;
  require_same_device("matmul", out, bits.memory);
  const std::size_t needed = out.backend().relu_bits_bytes(args.dtype, args.c.rows, args.c.cols);
  if (bits.memory.nbytes() < needed) {
    throw ValueError(concat("matmul: the ReLU's bits have ", bits.memory.nbytes(), " bytes, ", out,
                            " needs ", needed, "; use ReluBits::prepare()"));
  }
  args.relu_bits = {bits.memory.raw(), &bits.valid};
}

void require_product_dtype(const Tensor& a) {
  if (a.dtype() == DType::bfloat16 || a.dtype() == DType::float64) return;
  require_dtype(kName, a, DType::float32);
}

void require_result_dtype(const Tensor& a, const Tensor& out) {
  if (a.dtype() == DType::bfloat16 && out.dtype() == DType::float32) return;
  require_dtype(kName, out, a.dtype());
}

bool has_options(const MatmulOptions& options) {
  return options.transpose_a || options.transpose_b || options.accumulate || options.relu ||
         options.bias != nullptr || options.relu_mask != nullptr || options.relu_bits != nullptr ||
         options.a_sums != nullptr;
}

// Where the matrices of a batch lie.
struct Batch {
  Tensor tensor{};          // whose last two dimensions they are
  bool transposed = false;  // their columns lie one behind the other
  Dims strides{};           // of the batch's dimensions, in elements; 0 repeats
  std::int64_t row = 0;     // stride of the rows, or of the columns where it is transposed
};

// Whether rows lie one behind the other, each of them contiguous.
bool has_rows(std::int64_t rows, std::int64_t cols, std::int64_t row, std::int64_t col) {
  return (cols <= 1 || col == 1) && (rows <= 1 || row >= std::max<std::int64_t>(cols, 1));
}

Batch batch_of(const Tensor& tensor, const Dims& batch) {
  Batch result{tensor};
  const auto last = static_cast<std::size_t>(tensor.dim()) - 1;
  const std::int64_t rows = tensor.shape()[last - 1];
  const std::int64_t cols = tensor.shape()[last];
  const Dims& strides = tensor.strides();
  if (!has_rows(rows, cols, strides[last - 1], strides[last])) {
    result.transposed = has_rows(cols, rows, strides[last], strides[last - 1]);
    if (!result.transposed) result.tensor = tensor.clone();
  }
  Dims shape = batch;
  shape.push_back(rows);
  shape.push_back(cols);
  const Dims all = broadcast_strides(kName, result.tensor, shape);
  result.strides = Dims(std::span(all).first(batch.size()));
  result.row = result.tensor.strides()[result.transposed ? last : last - 1];
  return result;
}

// The matrix of a batch as it lies in memory.
ConstMatrixRef stored(const Batch& batch) {
  const auto last = static_cast<std::size_t>(batch.tensor.dim()) - 1;
  const Dims& shape = batch.tensor.shape();
  const std::int64_t rows = shape[batch.transposed ? last : last - 1];
  const std::int64_t cols = shape[batch.transposed ? last - 1 : last];
  return {batch.tensor.raw(), rows, cols, rows > 1 ? batch.row : std::max<std::int64_t>(cols, 1)};
}

struct Products {
  Tensor a;  // (..., M, K)
  Tensor b;  // (..., K, N)
  Dims batch;
  Dims shape;  // of the result
};

Products products_of(const Tensor& a, const Tensor& b) {
  require_operand(kName, a, b);
  if (a.dim() == 0 || b.dim() == 0) {
    throw ShapeError(concat("matmul: ", a, " and ", b, " must have a dimension; use mul()"));
  }
  Products result{a.dim() == 1 ? a.unsqueeze(0) : a, b.dim() == 1 ? b.unsqueeze(1) : b, {}, {}};
  const Dims& left = result.a.shape();
  const Dims& right = result.b.shape();
  if (left.back() != right[right.size() - 2]) {
    throw ShapeError(concat("matmul: cannot multiply ", a, " with ", b, ": inner sizes ",
                            left.back(), " and ", right[right.size() - 2], " differ"));
  }
  result.batch = broadcast_shapes(kName, Dims(std::span(left).first(left.size() - 2)),
                                  Dims(std::span(right).first(right.size() - 2)));
  result.shape = result.batch;
  if (a.dim() > 1) result.shape.push_back(left[left.size() - 2]);
  if (b.dim() > 1) result.shape.push_back(right.back());
  return result;
}

// `out` is (..., M, N), with columns that are contiguous.
void multiply_each(const Tensor& a, const Tensor& b, const Tensor& out) {
  const Dims batch(std::span(out.shape()).first(out.shape().size() - 2));
  const Batch left = batch_of(a, batch);
  const Batch right = batch_of(b, batch);
  const Batch result = batch_of(out, batch);
  const ConstMatrixRef c = stored(result);
  MatmulArgs args{.dtype = out.dtype(),
                  .operand_dtype = a.dtype(),
                  .a = stored(left),
                  .b = stored(right),
                  .c = {out.raw(), c.rows, c.cols, c.stride},
                  .transpose_a = left.transposed,
                  .transpose_b = right.transposed};
  const auto* const a_data = static_cast<const std::byte*>(left.tensor.raw());
  const auto* const b_data = static_cast<const std::byte*>(right.tensor.raw());
  auto* const c_data = static_cast<std::byte*>(out.raw());
  const auto a_size = static_cast<std::int64_t>(size_of(a.dtype()));
  const auto c_size = static_cast<std::int64_t>(size_of(out.dtype()));
  will_write({&out});
  const std::int64_t count = element_count(batch);
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t rest = i;
    std::int64_t at[3] = {0, 0, 0};
    for (std::size_t d = batch.size(); d-- > 0;) {
      const std::int64_t position = rest % batch[d];
      rest /= batch[d];
      at[0] += position * left.strides[d];
      at[1] += position * right.strides[d];
      at[2] += position * result.strides[d];
    }
    args.a.data = a_data + at[0] * a_size;
    args.b.data = b_data + at[1] * a_size;
    args.c.data = c_data + at[2] * c_size;
    out.backend().matmul(args);
  }
}

// Of a tensor's last two dimensions.
bool has_rows(const Tensor& tensor) {
  const std::size_t last = tensor.shape().size() - 1;
  return has_rows(tensor.shape()[last - 1], tensor.shape()[last], tensor.strides()[last - 1],
                  tensor.strides()[last]);
}

void multiply_batches(const Products& products, const Tensor& out, std::int64_t rank_a,
                      std::int64_t rank_b) {
  if (out.numel() == 0) return;
  Tensor result = rank_b == 1 ? out.unsqueeze(-1) : out;
  if (rank_a == 1) result = result.unsqueeze(-2);
  if (products.b.dim() == 2 && products.a.is_contiguous() && result.is_contiguous()) {
    // One matrix serves all: they are the rows of one product.
    const std::int64_t depth = products.a.shape().back();
    const std::int64_t cols = result.shape().back();
    const std::int64_t rows = result.numel() / cols;
    return multiply_each(products.a.as_strided({rows, depth}, {depth, 1}, products.a.offset()),
                         products.b, result.view({rows, cols}));
  }
  if (has_rows(result)) {
    return multiply_each(products.a, products.b, result);
  }
  const Tensor place = Tensor::empty(result.shape(), out.dtype(), out.device());
  multiply_each(products.a, products.b, place);
  result.copy_(place);
}

void matmul_batches(const Tensor& a, const Tensor& b, const Tensor& out) {
  const Products products = products_of(a, b);
  require_same_device(kName, a, out);
  require_product_dtype(a);
  require_result_dtype(a, out);
  require_shape(kName, "the result", out, products.shape);
  require_apart(kName, out, a, b);
  multiply_batches(products, out, a.dim(), b.dim());
}

void require_bmm(const Tensor& a, const Tensor& b) {
  if (a.dim() != 3 || b.dim() != 3 || a.size(0) != b.size(0)) {
    throw ShapeError(concat("bmm: expected (B, M, K) and (B, K, N), got ", a, " and ", b,
                            "; matmul() broadcasts"));
  }
}

}  // namespace

void ReluBits::prepare(const Tensor& output) {
  const MatrixRef ref = matrix("ReluBits::prepare", output);
  const auto bytes = static_cast<std::int64_t>(
      output.backend().relu_bits_bytes(output.dtype(), ref.rows, ref.cols));
  if (bytes == 0) {
    if (memory.defined()) memory = Tensor();
  } else if (!memory.defined() || memory.device() != output.device() || memory.numel() < bytes) {
    memory = Tensor::empty({bytes}, DType::uint8, output.device());
  }
  valid = false;
}

void matmul(const Tensor& a, const Tensor& b, const Tensor& out, const MatmulOptions& options) {
  const bool matrices = a.dim() == 2 && b.dim() == 2;
  const bool plain = matrices && out.dim() == 2 && has_rows(a) && has_rows(b) && has_rows(out);
  if (!plain && !has_options(options)) return matmul_batches(a, b, out);
  if (!matrices) {
    throw ShapeError(
        concat("matmul: options are those of a product of two matrices, got ", a, " and ", b));
  }
  require_operand(kName, a, b);
  require_same_device(kName, a, out);
  require_product_dtype(a);
  require_result_dtype(a, out);
  MatmulArgs args{.dtype = out.dtype(),
                  .operand_dtype = a.dtype(),
                  .a = matrix(kName, a),
                  .b = matrix(kName, b),
                  .c = matrix(kName, out),
                  .transpose_a = options.transpose_a,
                  .transpose_b = options.transpose_b,
                  .accumulate = options.accumulate,
                  .relu = options.relu};
  const std::int64_t rows = args.transpose_a ? args.a.cols : args.a.rows;
  const std::int64_t depth = args.transpose_a ? args.a.rows : args.a.cols;
  const std::int64_t depth_b = args.transpose_b ? args.b.cols : args.b.rows;
  const std::int64_t cols = args.transpose_b ? args.b.rows : args.b.cols;
  if (depth != depth_b) {
    throw ShapeError(concat("matmul: cannot multiply ", a, args.transpose_a ? " transposed" : "",
                            " with ", b, args.transpose_b ? " transposed" : "", ": inner sizes ",
                            depth, " and ", depth_b, " differ"));
  }
  require_shape(kName, "the result", out, {rows, cols});
  if (options.bias != nullptr) {
    require_operand(kName, out, *options.bias);
    require_vector(kName, "the bias", *options.bias, cols);
    args.bias = options.bias->raw();
  }
  if (options.relu_mask != nullptr) {
    require_operand(kName, out, *options.relu_mask);
    require_shape(kName, "the ReLU mask", *options.relu_mask, {rows, cols});
    args.relu_mask = matrix(kName, *options.relu_mask);
  }
  if (options.relu_bits != nullptr) add_relu_bits(*options.relu_bits, out, args);
  if (options.a_sums != nullptr) {
    if (!options.transpose_a) {
      throw ValueError(
          "matmul: a_sums are those of columns of a transposed operand; set transpose_a");
    }
    require_operand(kName, out, *options.a_sums);
    require_vector(kName, "the sums", *options.a_sums, rows);
    args.a_sums = options.a_sums->raw();
    args.accumulate_sums = options.accumulate_sums;
    require_apart(kName, *options.a_sums, a, b, out, options.bias, options.relu_mask);
  }
  require_apart(kName, out, a, b, options.bias, options.relu_mask);
  will_write({&out, options.a_sums});
  a.backend().matmul(args);
}

Tensor matmul(const Tensor& a, const Tensor& b) {
  const Products products = products_of(a, b);
  require_product_dtype(a);
  Tensor out = Tensor::empty(products.shape, a.dtype(), a.device());
  multiply_batches(products, out, a.dim(), b.dim());
  return out;
}

Tensor bmm(const Tensor& a, const Tensor& b) {
  require_bmm(a, b);
  return matmul(a, b);
}

void bmm(const Tensor& a, const Tensor& b, const Tensor& out) {
  require_bmm(a, b);
  matmul_batches(a, b, out);
}

}  // namespace wick::ops
