// SPDX-License-Identifier: MIT
// Operations on rows of tensors: the softmax, and rows that are added up by their numbers.
#include "core/op_checks.h"
#include "wick/core/backend.h"
#include "wick/core/backend/rows.h"
#include "wick/core/ops.h"

namespace wick::ops {
namespace {

using namespace checks;  // NOLINT(google-build-using-namespace)

// A tensor as (outer, size of the dimension, inner).
struct Parts {
  std::int64_t outer;
  std::int64_t size;
  std::int64_t inner;
};

Parts parts_of(const char* operation, const Tensor& x, std::int64_t dim) {
  const std::size_t at = wrap_dim(dim, std::max<std::size_t>(x.shape().size(), 1), operation);
  if (x.dim() == 0) return {1, 1, 1};
  const std::span<const std::int64_t> shape(x.shape());
  return {element_count(shape.first(at)), shape[at], element_count(shape.subspan(at + 1))};
}

}  // namespace

void softmax(const Tensor& x, std::int64_t dim, bool log, const Tensor& out) {
  const char* const name = log ? "log_softmax" : "softmax";
  require_operand(name, x, out);
  require_shape(name, "the result", out, x.shape());
  require_contiguous(name, x);
  require_contiguous(name, out);
  require_no_partial_overlap(name, out, x);
  const Parts parts = parts_of(name, x, dim);
  will_write({&out});
  x.backend().softmax({.dtype = x.dtype(),
                       .log = log,
                       .outer = parts.outer,
                       .size = parts.size,
                       .inner = parts.inner,
                       .x = x.raw(),
                       .y = out.raw()});
}

namespace {

Tensor new_softmax(const Tensor& x, std::int64_t dim, bool log) {
  const Tensor in = x.contiguous();
  Tensor out = Tensor::empty(x.shape(), x.dtype(), x.device());
  softmax(in, dim, log, out);
  return out;
}

}  // namespace

Tensor softmax(const Tensor& x, std::int64_t dim) {
  return new_softmax(x, dim, false);
}

Tensor log_softmax(const Tensor& x, std::int64_t dim) {
  return new_softmax(x, dim, true);
}

void softmax_backward(const Tensor& grad_output, const Tensor& output, std::int64_t dim, bool log,
                      const Tensor& grad_input) {
  const char* const name = log ? "log_softmax_backward" : "softmax_backward";
  require_operand(name, output, grad_output);
  require_operand(name, output, grad_input);
  require_shape(name, "the gradient by the output", grad_output, output.shape());
  require_shape(name, "the gradient by the input", grad_input, output.shape());
  require_contiguous(name, output);
  require_contiguous(name, grad_output);
  require_contiguous(name, grad_input);
  require_no_partial_overlap(name, grad_input, grad_output);
  require_no_overlap(name, grad_input, output);
  const Parts parts = parts_of(name, output, dim);
  will_write({&grad_input});
  output.backend().softmax_backward({.dtype = output.dtype(),
                                     .log = log,
                                     .outer = parts.outer,
                                     .size = parts.size,
                                     .inner = parts.inner,
                                     .grad_output = grad_output.raw(),
                                     .y = output.raw(),
                                     .grad_input = grad_input.raw()});
}

void index_add(const Tensor& rows, const Tensor& indices, const Tensor& sums,
               std::int64_t ignore_index) {
  constexpr const char* kName = "index_add";
  require_operand(kName, rows, sums);
  require_same_device(kName, rows, indices);
  require_dtype(kName, indices, DType::int64);
  require_contiguous(kName, rows);
  require_contiguous(kName, sums);
  if (rows.dim() == 0 || sums.dim() == 0) {
    throw ShapeError(concat(kName, ": ", rows, " and ", sums, " must have a first dimension"));
  }
  Dims shape = sums.shape();
  shape[0] = rows.size(0);
  require_shape(kName, "the rows", rows, shape);
  require_vector(kName, "the indices", indices, rows.size(0));
  require_apart(kName, sums, rows, indices);
  will_write({&sums});
  rows.backend().index_add({.dtype = rows.dtype(),
                            .rows = rows.raw(),
                            .cols = element_count(std::span(shape).subspan(1)),
                            .indices = static_cast<const std::int64_t*>(indices.raw()),
                            .count = rows.size(0),
                            .ignore_index = ignore_index,
                            .source_rows = sums.size(0),
                            .sums = sums.raw()});
}

namespace {

// x as (outer, channels, inner).
Parts channels_of(const char* operation, const Tensor& x, const Tensor& weight) {
  require_operand(operation, x, weight);
  require_contiguous(operation, x);
  const std::int64_t channels = weight.numel();
  require_vector(operation, "the weight", weight, channels);
  if (channels == 1) return {1, 1, x.numel()};
  if (x.dim() < 2 || x.size(1) != channels) {
    throw ShapeError(concat(operation, ": a weight of ", channels, " elements needs an input (N, ",
                            channels, ", ...), got ", x));
  }
  return {x.size(0), channels, element_count(std::span(x.shape()).subspan(2))};
}

}  // namespace

void prelu(const Tensor& x, const Tensor& weight, const Tensor& out) {
  constexpr const char* kName = "prelu";
  const Parts parts = channels_of(kName, x, weight);
  require_operand(kName, x, out);
  require_shape(kName, "the result", out, x.shape());
  require_contiguous(kName, out);
  require_no_partial_overlap(kName, out, x);
  require_no_overlap(kName, out, weight);
  will_write({&out});
  x.backend().prelu({.dtype = x.dtype(),
                     .outer = parts.outer,
                     .channels = parts.size,
                     .inner = parts.inner,
                     .x = x.raw(),
                     .weight = weight.raw(),
                     .y = out.raw()});
}

void prelu_backward(const Tensor& grad_output, const Tensor& x, const Tensor& weight,
                    const Tensor* grad_input, const Tensor* grad_weight, bool accumulate) {
  constexpr const char* kName = "prelu_backward";
  const Parts parts = channels_of(kName, x, weight);
  require_operand(kName, x, grad_output);
  require_shape(kName, "the gradient by the output", grad_output, x.shape());
  require_contiguous(kName, grad_output);
  if (grad_input != nullptr) {
    require_operand(kName, x, *grad_input);
    require_shape(kName, "the gradient by the input", *grad_input, x.shape());
    require_contiguous(kName, *grad_input);
    require_apart(kName, *grad_input, grad_output, x, weight);
  }
  if (grad_weight != nullptr) {
    require_operand(kName, x, *grad_weight);
    require_vector(kName, "the gradient by the weight", *grad_weight, parts.size);
    require_apart(kName, *grad_weight, grad_output, x, weight, grad_input);
  }
  will_write({grad_input, grad_weight});
  x.backend().prelu_backward({.dtype = x.dtype(),
                              .outer = parts.outer,
                              .channels = parts.size,
                              .inner = parts.inner,
                              .grad_output = grad_output.raw(),
                              .x = x.raw(),
                              .weight = weight.raw(),
                              .grad_input = grad_input == nullptr ? nullptr : grad_input->raw(),
                              .grad_weight = grad_weight == nullptr ? nullptr : grad_weight->raw(),
                              .accumulate_weight = accumulate});
}

}  // namespace wick::ops
