// SPDX-License-Identifier: MIT
#include "wick/core/ops_vector_reduce.h"

#include "core/op_checks.h"
#include "wick/core/backend.h"

namespace wick::ops {
namespace {

void require_one_element(const char* operation, const char* what, const Tensor& tensor) {
  if (tensor.numel() == 1) return;
  throw ShapeError(concat(operation, ": ", what, " must have one element, got ", tensor));
}

void require_power(const char* operation, VectorReduceOp op, double power) {
  if (op != VectorReduceOp::power_sum || power > 0.0) return;
  throw ValueError(concat(operation, ": the power must be above 0, got ", power));
}

}  // namespace

void vector_reduce(VectorReduceOp op, const Tensor& x, const Tensor& out,
                   const VectorReduceOptions& options) {
  const char* const name = name_of(op);
  checks::require_contiguous(name, x);
  checks::require_same_device(name, x, out);
  checks::require_dtype(name, out, DType::float64);
  require_one_element(name, "the result", out);
  require_power(name, op, options.power);
  if ((op == VectorReduceOp::dot) != (options.other != nullptr)) {
    throw ValueError(
        concat(name, op == VectorReduceOp::dot ? ": needs two tensors" : ": takes one tensor"));
  }
  if (options.other != nullptr) {
    checks::require_operand(name, x, *options.other);
    checks::require_shape(name, "the second operand", *options.other, x.shape());
    checks::require_contiguous(name, *options.other);
  }
  checks::require_apart(name, out, x, options.other);
  checks::will_write({&out});
  x.backend().vector_reduce({.op = op,
                             .dtype = x.dtype(),
                             .count = x.numel(),
                             .a = x.raw(),
                             .b = options.other == nullptr ? nullptr : options.other->raw(),
                             .power = options.power,
                             .out = static_cast<double*>(out.raw()),
                             .accumulate = options.accumulate});
}

void scale_by_norm(const Tensor& x, const Tensor& reduced, const ScaleByNormOptions& options) {
  constexpr const char* kName = "scale_by_norm";
  checks::require_contiguous(kName, x);
  checks::require_same_device(kName, x, reduced);
  checks::require_dtype(kName, reduced, DType::float64);
  require_one_element(kName, "the reduction", reduced);
  require_power(kName, options.op, options.power);
  checks::require_apart(kName, x, reduced, options.norm);
  if (options.norm != nullptr) {
    checks::require_same_device(kName, x, *options.norm);
    require_one_element(kName, "the norm", *options.norm);
    checks::require_apart(kName, *options.norm, reduced);
    if (options.norm->dtype() != DType::float64) {
      checks::require_dtype(kName, *options.norm, DType::float32);
    }
  }
  checks::will_write({&x, options.norm});
  x.backend().scale_by_norm(
      {.scale = options.scale,
       .dtype = x.dtype(),
       .count = x.numel(),
       .data = x.raw(),
       .op = options.op,
       .power = options.power,
       .reduced = static_cast<const double*>(reduced.raw()),
       .limit = options.limit,
       .norm_dtype = options.norm == nullptr ? x.dtype() : options.norm->dtype(),
       .norm = options.norm == nullptr ? nullptr : options.norm->raw()});
}

}  // namespace wick::ops
