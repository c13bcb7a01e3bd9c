// SPDX-License-Identifier: MIT
#include "core/ops.h"

#include <cmath>

#include "core/backend.h"
#include "core/backend/matrix.h"
#include "core/backend/random.h"
#include "core/backend/rows.h"
#include "core/error.h"
#include "core/op_checks.h"

namespace wick::ops {
namespace {

using namespace checks;  // NOLINT(google-build-using-namespace)

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
  constexpr const char* kName = "matmul";
  require_operand(kName, a, b);
  require_same_device(kName, a, out);
  if (a.dtype() == DType::bfloat16) {
    if (out.dtype() != DType::float32) require_dtype(kName, out, DType::bfloat16);
  } else if (a.dtype() != DType::float64) {
    require_dtype(kName, a, DType::float32);
    require_dtype(kName, out, DType::float32);
  } else {
    require_dtype(kName, out, DType::float64);
  }
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
  a.backend().matmul(args);
}

void column_sums(const Tensor& x, const Tensor& out, bool accumulate) {
  constexpr const char* kName = "column_sums";
  require_operand(kName, x, out);
  const ConstMatrixRef ref = matrix(kName, x);
  require_vector(kName, "the result", out, ref.cols);
  require_apart(kName, out, x);
  x.backend().column_sums(x.dtype(), ref, out.raw(), accumulate);
}

namespace {

void binary(BinaryOp op, const Tensor& a, const Tensor& b, const Tensor& out, double alpha = 1.0,
            double beta = 1.0) {
  const char* const name = name_of(op);
  require_operand(name, a, b);
  require_operand(name, a, out);
  require_shape(name, "the second operand", b, a.shape());
  require_shape(name, "the result", out, a.shape());
  for (const Tensor* const each : {&a, &b, &out}) require_contiguous(name, *each);
  require_no_partial_overlap(name, out, a);
  require_no_partial_overlap(name, out, b);
  a.backend().binary({.op = op,
                      .dtype = a.dtype(),
                      .a = a.raw(),
                      .b = b.raw(),
                      .out = out.raw(),
                      .count = a.numel(),
                      .alpha = alpha,
                      .beta = beta});
}

}  // namespace

void add(const Tensor& a, const Tensor& b, const Tensor& out) {
  binary(BinaryOp::add, a, b, out);
}

void multiply(const Tensor& a, const Tensor& b, const Tensor& out) {
  binary(BinaryOp::multiply, a, b, out);
}

void weighted_sum(double alpha, const Tensor& a, double beta, const Tensor& b, const Tensor& out) {
  binary(BinaryOp::weighted_sum, a, b, out, alpha, beta);
}

void lerp(const Tensor& a, const Tensor& b, double weight, const Tensor& out) {
  binary(BinaryOp::lerp, a, b, out, weight);
}

void unary(UnaryOp op, const Tensor& x, const Tensor& out, const UnaryParameters& parameters) {
  const char* const name = info_of(op).name;
  require_operand(name, x, out);
  require_shape(name, "the result", out, x.shape());
  require_contiguous(name, x);
  require_contiguous(name, out);
  require_no_partial_overlap(name, out, x);
  x.backend().unary({.op = op,
                     .dtype = x.dtype(),
                     .count = x.numel(),
                     .x = x.raw(),
                     .y = out.raw(),
                     .parameters = parameters});
}

void unary_backward(UnaryOp op, const Tensor& grad_output, const Tensor& saved,
                    const Tensor& grad_input, const UnaryParameters& parameters) {
  const char* const name = info_of(op).backward_name;
  require_operand(name, saved, grad_output);
  require_operand(name, saved, grad_input);
  require_shape(name, "the gradient by the output", grad_output, saved.shape());
  require_shape(name, "the gradient by the input", grad_input, saved.shape());
  require_contiguous(name, saved);
  require_contiguous(name, grad_output);
  require_contiguous(name, grad_input);
  require_no_partial_overlap(name, grad_input, grad_output);
  require_no_partial_overlap(name, grad_input, saved);
  saved.backend().unary_backward({.op = op,
                                  .dtype = saved.dtype(),
                                  .count = saved.numel(),
                                  .grad_output = grad_output.raw(),
                                  .saved = saved.raw(),
                                  .grad_input = grad_input.raw(),
                                  .parameters = parameters});
}

void masked_scale(const Tensor& x, const Tensor& mask, double scale, const Tensor& out) {
  constexpr const char* kName = "masked_scale";
  require_operand(kName, x, out);
  require_same_device(kName, x, mask);
  require_dtype(kName, mask, DType::boolean);
  require_shape(kName, "the mask", mask, x.shape());
  require_shape(kName, "the result", out, x.shape());
  for (const Tensor* const each : {&x, &mask, &out}) require_contiguous(kName, *each);
  require_no_partial_overlap(kName, out, x);
  require_no_overlap(kName, out, mask);
  x.backend().masked_scale({.dtype = x.dtype(),
                            .count = x.numel(),
                            .x = x.raw(),
                            .mask = mask.raw(),
                            .scale = scale,
                            .y = out.raw()});
}

double dropout_scale(double p, DType dtype) {
  if (p == 1.0) return 0.0;
  if (dtype == DType::float64) return 1.0 / (1.0 - p);
  return static_cast<double>(1.0F / static_cast<float>(1.0 - p));
}

void argmax(const Tensor& x, const Tensor& out) {
  constexpr const char* kName = "argmax";
  require_same_device(kName, x, out);
  require_dtype(kName, out, DType::int64);
  const ConstMatrixRef ref = matrix(kName, x);
  if (ref.cols == 0) throw ShapeError(concat("argmax: no columns in ", x));
  require_vector(kName, "the result", out, ref.rows);
  require_apart(kName, out, x);
  x.backend().argmax(x.dtype(), ref, static_cast<std::int64_t*>(out.raw()));
}

std::int64_t count_hits(const Tensor& logits, const Tensor& labels) {
  constexpr const char* kName = "count_hits";
  require_same_device(kName, logits, labels);
  require_dtype(kName, labels, DType::int64);
  const ConstMatrixRef ref = matrix(kName, logits);
  if (ref.cols == 0) throw ShapeError(concat("count_hits: no classes in ", logits));
  require_vector(kName, "the labels", labels, ref.rows);
  const Tensor hits = Tensor::empty({}, DType::int64, logits.device());
  logits.backend().count_hits(logits.dtype(), ref, static_cast<const std::int64_t*>(labels.raw()),
                              static_cast<std::int64_t*>(hits.raw()));
  return hits.item<std::int64_t>();
}

namespace {

// Elements of one entry along the first dimension.
std::int64_t row_elements(const char* operation, const Tensor& tensor) {
  if (tensor.dim() == 0) {
    throw ShapeError(concat(operation, ": ", tensor, " has no first dimension"));
  }
  return element_count(std::span(tensor.shape()).subspan(1));
}

void require_indices(const char* operation, const Tensor& source, const Tensor& indices,
                     const Tensor& out) {
  require_same_device(operation, source, indices);
  require_dtype(operation, indices, DType::int64);
  require_vector(operation, "the indices", indices, out.size(0));
}

}  // namespace

void index_select(const Tensor& source, const Tensor& indices, const Tensor& out) {
  constexpr const char* kName = "index_select";
  require_operand(kName, source, out);
  require_contiguous(kName, source);
  require_contiguous(kName, out);
  Dims shape = source.shape();
  const std::int64_t row = row_elements(kName, source);
  row_elements(kName, out);
  shape[0] = out.size(0);
  require_shape(kName, "the result", out, shape);
  require_indices(kName, source, indices, out);
  require_apart(kName, out, source, indices);
  source.backend().index_select(
      {source.raw(), source.size(0), static_cast<std::size_t>(row) * size_of(source.dtype()),
       static_cast<const std::int64_t*>(indices.raw()), out.size(0), out.raw()});
}

void gather_affine(const Tensor& source, const Tensor* indices, const Tensor& scale,
                   const Tensor& shift, const Tensor& out) {
  constexpr const char* kName = "gather_affine";
  require_same_device(kName, source, out);
  require_contiguous(kName, source);
  require_contiguous(kName, out);
  if (source.dim() < 2) {
    throw ShapeError(concat("gather_affine: expected (N, C, ...), got ", source));
  }
  const std::int64_t channels = source.size(1);
  const std::int64_t row = row_elements(kName, source);
  if (row_elements(kName, out) != row) {
    throw ShapeError(concat("gather_affine: a row of ", out, " does not hold a row of ", source));
  }
  for (const Tensor* factors : {&scale, &shift}) {
    require_dtype(kName, *factors, out.dtype());
    require_vector(kName, "scale and shift", *factors, channels);
    if (factors->device() != kCpu) {
      throw DeviceError(
          concat("gather_affine: scale and shift must be on the CPU, got ", *factors));
    }
  }
  if (indices != nullptr) {
    require_indices(kName, source, *indices, out);
  } else if (out.size(0) != source.size(0)) {
    throw ShapeError(
        concat("gather_affine: without indices, ", out, " must have the rows of ", source));
  }
  require_apart(kName, out, source, indices, scale, shift);
  source.backend().gather_affine(
      {.source_dtype = source.dtype(),
       .source = source.raw(),
       .source_rows = source.size(0),
       .channels = channels,
       .pixels = channels == 0 ? 0 : row / channels,
       .indices = indices == nullptr ? nullptr : static_cast<const std::int64_t*>(indices->raw()),
       .count = out.size(0),
       .scale = scale.raw(),
       .shift = shift.raw(),
       .dtype = out.dtype(),
       .out = out.raw()});
}

}  // namespace wick::ops
