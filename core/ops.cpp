// SPDX-License-Identifier: MIT
#include "wick/core/ops.h"

#include <cmath>

#include "core/op_checks.h"
#include "wick/core/backend.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/backend/random.h"
#include "wick/core/backend/rows.h"
#include "wick/core/error.h"

namespace wick::ops {

using namespace checks;  // NOLINT(google-build-using-namespace)

void column_sums(const Tensor& x, const Tensor& out, bool accumulate) {
  constexpr const char* kName = "column_sums";
  require_operand(kName, x, out);
  const ConstMatrixRef ref = matrix(kName, x);
  require_vector(kName, "the result", out, ref.cols);
  require_apart(kName, out, x);
  will_write({&out});
  x.backend().column_sums(x.dtype(), ref, out.raw(), accumulate);
}

void unary(UnaryOp op, const Tensor& x, const Tensor& out, const UnaryParameters& parameters) {
  const char* const name = info_of(op).name;
  require_operand(name, x, out);
  require_shape(name, "the result", out, x.shape());
  require_contiguous(name, x);
  require_contiguous(name, out);
  require_no_partial_overlap(name, out, x);
  will_write({&out});
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
  will_write({&grad_input});
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
  will_write({&out});
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
  will_write({&out});
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
  will_write({&out});
  source.backend().index_select(
      {source.raw(), source.size(0), static_cast<std::size_t>(row) * size_of(source.dtype()),
       static_cast<const std::int64_t*>(indices.raw()), out.size(0), out.raw()});
}

Tensor index_select(const Tensor& source, std::int64_t dim, const Tensor& indices) {
  constexpr const char* kName = "index_select";
  if (!source.defined() || !indices.defined()) {
    throw ValueError("index_select: an operand is undefined");
  }
  if (indices.dim() != 1) {
    throw ShapeError(concat("index_select: the indices must have one dimension, got ", indices));
  }
  const auto d =
      static_cast<std::int64_t>(wrap_dim(dim, static_cast<std::size_t>(source.dim()), kName));
  const Tensor rows = source.transpose(0, d).contiguous();
  Dims shape = rows.shape();
  shape[0] = indices.numel();
  const Tensor out = Tensor::empty(shape, source.dtype(), source.device());
  index_select(rows, indices.contiguous(), out);
  return out.transpose(0, d).contiguous();
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
  will_write({&out});
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
