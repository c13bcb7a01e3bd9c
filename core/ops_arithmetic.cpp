// SPDX-License-Identifier: MIT
#include "wick/core/ops_arithmetic.h"

#include <algorithm>
#include <initializer_list>

#include "core/broadcast.h"
#include "core/op_checks.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/core/visit_values.h"

namespace wick::ops {
namespace {

using namespace checks;  // NOLINT(google-build-using-namespace)
using Operands = std::initializer_list<const Operand*>;

// The dtypes of arithmetic, as kinds of numbers.
Scalar::Kind kind_of(DType dtype) {
  if (dtype == DType::boolean) return Scalar::Kind::boolean;
  return is_floating_point(dtype) ? Scalar::Kind::floating : Scalar::Kind::integer;
}

// What PyTorch converts both to.
DType promoted(DType a, DType b) {
  if (kind_of(a) != kind_of(b)) return kind_of(a) > kind_of(b) ? a : b;
  return size_of(a) >= size_of(b) ? a : b;
}

// The first of them that is a tensor.
const Tensor& first_tensor(const char* operation, Operands operands) {
  for (const Operand* const operand : operands) {
    if (operand->tensor() != nullptr) return *operand->tensor();
  }
  throw ValueError(concat(operation, ": there are numbers only; make one of them a tensor with ",
                          "Tensor::scalar()"));
}

// All on the device of `first` and of one dtype with it, numbers of a kind that the dtype holds.
void require_operands(const char* operation, const Tensor& first, Operands operands) {
  for (const Operand* const operand : operands) {
    if (const Tensor* const tensor = operand->tensor()) {
      require_same_device(operation, first, *tensor);
      if (tensor->dtype() != first.dtype()) {
        throw DTypeError(concat(operation, ": ", first, " and ", *tensor,
                                " have different dtypes; convert one of them with to(DType::",
                                promoted(first.dtype(), tensor->dtype()), ")"));
      }
    } else if (operand->number().kind() > kind_of(first.dtype())) {
      const bool whole = operand->number().kind() == Scalar::Kind::integer;
      throw DTypeError(concat(
          operation, ": ", first, " does not hold the number ", operand->number(),
          "; convert the tensor with to(DType::", whole ? DType::int64 : DType::float32, ")"));
    }
  }
}

ElementsRef elements_of(const char* operation, const Operand& operand, const Dims& shape) {
  const Tensor* const tensor = operand.tensor();
  if (tensor == nullptr) return {.number = operand.number()};
  return {.data = tensor->raw(), .strides = broadcast_strides(operation, *tensor, shape)};
}

Dims result_shape(const char* operation, Operands operands) {
  const Dims* shape = nullptr;
  Dims common;
  for (const Operand* const operand : operands) {
    if (operand->tensor() == nullptr) continue;
    const Dims& own = operand->tensor()->shape();
    if (shape == nullptr) {
      shape = &own;
    } else if (*shape != own) {
      common = broadcast_shapes(operation, *shape, own);
      shape = &common;
    }
  }
  return *shape;
}

// The result has this shape and dtype, and nothing is written that is still to be read.
void require_result(const char* operation, const Tensor& out, const Dims& shape, DType dtype,
                    Operands operands) {
  require_shape(operation, "the result", out, shape);
  require_dtype(operation, out, dtype);
  require_no_internal_overlap(operation, out);
  for (const Operand* const operand : operands) {
    const Tensor* const tensor = operand->tensor();
    if (tensor == nullptr) continue;
    require_same_device(operation, out, *tensor);
    if (tensor->shape() == shape) {
      require_no_partial_overlap(operation, out, *tensor);
    } else if (overlap_of(out, *tensor) != Overlap::none) {
      require_no_partial_overlap(operation, out, expand(*tensor, shape));
    }
  }
}

void refuse(const char* operation, const Tensor& x, DType remedy) {
  throw DTypeError(concat(operation, ": not of ", x.dtype(), ", got ", x,
                          "; convert with to(DType::", remedy, ")"));
}

// Returns the dtype of the result.
DType check(BinaryOp op, const Operand& a, const Operand& b, const Scalar& alpha) {
  const char* const name = name_of(op);
  const Tensor& first = first_tensor(name, {&a, &b});
  require_operands(name, first, {&a, &b});
  const DType dtype = first.dtype();
  visit_values(dtype, name, [](auto) {});
  if (op == BinaryOp::div && !is_floating_point(dtype)) refuse(name, first, DType::float32);
  if (op == BinaryOp::sub && dtype == DType::boolean) refuse(name, first, DType::int64);
  if (alpha.kind() == Scalar::Kind::floating && !is_floating_point(dtype)) {
    throw DTypeError(concat(name, ": ", first, " cannot have an alpha of ", alpha,
                            "; convert the tensor with to(DType::float32)"));
  }
  return is_comparison(op) ? DType::boolean : dtype;
}

void run(BinaryOp op, const Operand& a, const Operand& b, const Tensor& out, const Scalar& alpha) {
  const char* const name = name_of(op);
  if (out.numel() == 0) return;
  const Tensor& first = first_tensor(name, {&a, &b});
  will_write({&out});
  out.backend().binary({.op = op,
                        .dtype = first.dtype(),
                        .shape = out.shape(),
                        .a = elements_of(name, a, out.shape()),
                        .b = elements_of(name, b, out.shape()),
                        .out = out.raw(),
                        .out_strides = out.strides(),
                        .alpha = alpha});
}

void run(TernaryOp op, DType dtype, const Operand& a, const Operand& b, const Operand& c,
         const Tensor& out) {
  const char* const name = name_of(op);
  if (out.numel() == 0) return;
  will_write({&out});
  out.backend().ternary({.op = op,
                         .dtype = dtype,
                         .shape = out.shape(),
                         .a = elements_of(name, a, out.shape()),
                         .b = elements_of(name, b, out.shape()),
                         .c = elements_of(name, c, out.shape()),
                         .out = out.raw(),
                         .out_strides = out.strides()});
}

void check_lerp(const Tensor& start, const Operand& end, const Operand& weight) {
  visit_arithmetic(start.dtype(), "lerp", [](auto) {});
  require_operands("lerp", start, {&end, &weight});
}

void check_clamp(const Tensor& x, const Operand& min, const Operand& max) {
  visit_values(x.dtype(), "clamp", [](auto) {});
  if (x.dtype() == DType::boolean) refuse("clamp", x, DType::int64);
  require_operands("clamp", x, {&min, &max});
}

[[noreturn]] void refuse_open_clamp() {
  throw ValueError("clamp: there is neither a min nor a max; give one of them");
}

// Of `where`: the dtype of both values.
DType check_where(const Tensor& condition, const Operand& a, const Operand& b) {
  require_dtype("where", condition, DType::boolean);
  if (a.tensor() == nullptr && b.tensor() == nullptr) {
    switch (std::max(a.number().kind(), b.number().kind())) {
      case Scalar::Kind::boolean: return DType::boolean;
      case Scalar::Kind::integer: return DType::int64;
      case Scalar::Kind::floating: break;
    }
    return DType::float32;
  }
  const Tensor& first = first_tensor("where", {&a, &b});
  require_same_device("where", condition, first);
  require_operands("where", first, {&a, &b});
  if (a.tensor() == nullptr || b.tensor() == nullptr) require_numbers(first.dtype(), "where");
  return first.dtype();
}

}  // namespace

Tensor binary(BinaryOp op, const Operand& a, const Operand& b, Scalar alpha) {
  const char* const name = name_of(op);
  const DType dtype = check(op, a, b, alpha);
  Tensor out =
      Tensor::empty(result_shape(name, {&a, &b}), dtype, first_tensor(name, {&a, &b}).device());
  run(op, a, b, out, alpha);
  return out;
}

void binary(BinaryOp op, const Operand& a, const Operand& b, const Tensor& out, Scalar alpha) {
  const char* const name = name_of(op);
  const DType dtype = check(op, a, b, alpha);
  require_result(name, out, result_shape(name, {&a, &b}), dtype, {&a, &b});
  run(op, a, b, out, alpha);
}

Tensor lerp(const Tensor& start, const Tensor& end, const Operand& weight) {
  const Operand from(start);
  const Operand to(end);
  check_lerp(start, to, weight);
  Tensor out =
      Tensor::empty(result_shape("lerp", {&from, &to, &weight}), start.dtype(), start.device());
  run(TernaryOp::lerp, start.dtype(), from, to, weight, out);
  return out;
}

void lerp(const Tensor& start, const Tensor& end, const Operand& weight, const Tensor& out) {
  const Operand from(start);
  const Operand to(end);
  check_lerp(start, to, weight);
  require_result("lerp", out, result_shape("lerp", {&from, &to, &weight}), start.dtype(),
                 {&from, &to, &weight});
  run(TernaryOp::lerp, start.dtype(), from, to, weight, out);
}

Tensor clamp(const Tensor& x, const std::optional<Operand>& min,
             const std::optional<Operand>& max) {
  const Operand value(x);
  if (!min && !max) refuse_open_clamp();
  check_clamp(x, min.value_or(value), max.value_or(value));
  Tensor out =
      Tensor::empty(result_shape("clamp", {&value, min ? &*min : &value, max ? &*max : &value}),
                    x.dtype(), x.device());
  clamp(x, min, max, out);
  return out;
}

void clamp(const Tensor& x, const std::optional<Operand>& min, const std::optional<Operand>& max,
           const Tensor& out) {
  const Operand value(x);
  if (!min && !max) refuse_open_clamp();
  const Operand& low = min ? *min : value;
  const Operand& high = max ? *max : value;
  check_clamp(x, low, high);
  require_result("clamp", out, result_shape("clamp", {&value, &low, &high}), x.dtype(),
                 {&value, &low, &high});
  if (min && max) return run(TernaryOp::clamp, x.dtype(), value, low, high, out);
  run(min ? BinaryOp::maximum : BinaryOp::minimum, value, min ? low : high, out, 1);
}

Tensor where(const Tensor& condition, const Operand& a, const Operand& b) {
  const Operand which(condition);
  const DType dtype = check_where(condition, a, b);
  Tensor out = Tensor::empty(result_shape("where", {&which, &a, &b}), dtype, condition.device());
  run(TernaryOp::where, dtype, which, a, b, out);
  return out;
}

void where(const Tensor& condition, const Operand& a, const Operand& b, const Tensor& out) {
  const Operand which(condition);
  const DType dtype = check_where(condition, a, b);
  require_result("where", out, result_shape("where", {&which, &a, &b}), dtype, {&which, &a, &b});
  run(TernaryOp::where, dtype, which, a, b, out);
}

void weighted_sum(double alpha, const Tensor& a, double beta, const Tensor& b, const Tensor& out) {
  constexpr const char* kName = "weighted_sum";
  visit_arithmetic(a.dtype(), kName, [](auto) {});
  const Operand first(a);
  const Operand second(b);
  require_operands(kName, a, {&second});
  require_shape(kName, "the second operand", b, a.shape());
  require_result(kName, out, a.shape(), a.dtype(), {&first, &second});
  const auto is_same = [](const Tensor& x, const Tensor& y) {
    return x.raw() == y.raw() && x.strides() == y.strides();
  };
  if (beta == 0.0) return mul(a, alpha, out);
  if (is_same(a, b)) return mul(a, alpha + beta, out);
  if (alpha == 1.0) return add(a, b, out, beta);
  if (beta == 1.0) return add(b, a, out, alpha);
  if (is_same(b, out)) return weighted_sum(beta, b, alpha, a, out);
  mul(a, alpha, out);
  add(out, b, out, beta);
}

}  // namespace wick::ops
