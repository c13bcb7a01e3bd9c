// SPDX-License-Identifier: MIT
// Arithmetic between tensors and numbers, element by element, with PyTorch's broadcasting; see
// core/ops.h for what holds of all operations.
//
// Tensors may have any layout: transposed, sliced, expanded. They are float32, float64, int64 or
// bool, and all those of a call have one dtype: wick does not promote dtypes as PyTorch does, but
// throws a DTypeError that names the conversion to make. A number takes the dtype of the tensors;
// one of another kind, as 0.5 for int64, throws likewise. div and lerp are of float32 and float64;
// sub and clamp are not of bool, of which add is "or" and mul "and".
//
// Each function has up to three forms, as in PyTorch. That without `out` returns a new contiguous
// tensor. `out` must have the shape and dtype of the result. The form with an underscore writes
// into its first argument, whose shape the others must fill. What is written may be one of the
// operands, in the same layout; other overlaps, and an output with two elements at one place,
// throw ValueError, as in PyTorch.
#pragma once

#include <optional>
#include <type_traits>

#include "wick/core/backend/arithmetic.h"
#include "wick/core/compiler.h"
#include "wick/core/scalar.h"
#include "wick/core/tensor.h"

namespace wick::ops {

/// A tensor, to which it refers, or a number in the place of one.
class Operand {
 public:
  Operand(const Tensor& tensor) : tensor_(&tensor) {}
  Operand(Scalar number) : number_(number) {}
  template <typename T>
  requires std::is_arithmetic_v<T> Operand(T number) : number_(number) {}

  /// Null: it is a number.
  [[nodiscard]] const Tensor* tensor() const noexcept { return tensor_; }
  [[nodiscard]] const Scalar& number() const noexcept { return number_; }

 private:
  const Tensor* tensor_ = nullptr;
  Scalar number_;
};

/// Any of the functions of two arguments; `alpha` is that of add and sub. One argument at least is
/// a tensor.
[[nodiscard]] WICK_API Tensor binary(BinaryOp op, const Operand& a, const Operand& b,
                                     Scalar alpha = 1);
WICK_API void binary(BinaryOp op, const Operand& a, const Operand& b, const Tensor& out,
                     Scalar alpha = 1);

/// a + alpha * b.
[[nodiscard]] inline Tensor add(const Operand& a, const Operand& b, Scalar alpha = 1) {
  return binary(BinaryOp::add, a, b, alpha);
}
inline void add(const Operand& a, const Operand& b, const Tensor& out, Scalar alpha = 1) {
  binary(BinaryOp::add, a, b, out, alpha);
}
inline void add_(const Tensor& self, const Operand& other, Scalar alpha = 1) {
  binary(BinaryOp::add, self, other, self, alpha);
}

/// a - alpha * b.
[[nodiscard]] inline Tensor sub(const Operand& a, const Operand& b, Scalar alpha = 1) {
  return binary(BinaryOp::sub, a, b, alpha);
}
inline void sub(const Operand& a, const Operand& b, const Tensor& out, Scalar alpha = 1) {
  binary(BinaryOp::sub, a, b, out, alpha);
}
inline void sub_(const Tensor& self, const Operand& other, Scalar alpha = 1) {
  binary(BinaryOp::sub, self, other, self, alpha);
}

[[nodiscard]] inline Tensor mul(const Operand& a, const Operand& b) {
  return binary(BinaryOp::mul, a, b);
}
inline void mul(const Operand& a, const Operand& b, const Tensor& out) {
  binary(BinaryOp::mul, a, b, out);
}
inline void mul_(const Tensor& self, const Operand& other) {
  binary(BinaryOp::mul, self, other, self);
}
/// torch.multiply: another name of mul.
inline void multiply(const Operand& a, const Operand& b, const Tensor& out) {
  mul(a, b, out);
}

[[nodiscard]] inline Tensor div(const Operand& a, const Operand& b) {
  return binary(BinaryOp::div, a, b);
}
inline void div(const Operand& a, const Operand& b, const Tensor& out) {
  binary(BinaryOp::div, a, b, out);
}
inline void div_(const Tensor& self, const Operand& other) {
  binary(BinaryOp::div, self, other, self);
}

/// The smaller and the larger of both; NaN where one of them is.
[[nodiscard]] inline Tensor minimum(const Operand& a, const Operand& b) {
  return binary(BinaryOp::minimum, a, b);
}
inline void minimum(const Operand& a, const Operand& b, const Tensor& out) {
  binary(BinaryOp::minimum, a, b, out);
}
[[nodiscard]] inline Tensor maximum(const Operand& a, const Operand& b) {
  return binary(BinaryOp::maximum, a, b);
}
inline void maximum(const Operand& a, const Operand& b, const Tensor& out) {
  binary(BinaryOp::maximum, a, b, out);
}

// Comparisons. The result is bool; their forms with `out` are those of binary().

[[nodiscard]] inline Tensor eq(const Operand& a, const Operand& b) {
  return binary(BinaryOp::eq, a, b);
}
[[nodiscard]] inline Tensor ne(const Operand& a, const Operand& b) {
  return binary(BinaryOp::ne, a, b);
}
[[nodiscard]] inline Tensor lt(const Operand& a, const Operand& b) {
  return binary(BinaryOp::lt, a, b);
}
[[nodiscard]] inline Tensor le(const Operand& a, const Operand& b) {
  return binary(BinaryOp::le, a, b);
}
[[nodiscard]] inline Tensor gt(const Operand& a, const Operand& b) {
  return binary(BinaryOp::gt, a, b);
}
[[nodiscard]] inline Tensor ge(const Operand& a, const Operand& b) {
  return binary(BinaryOp::ge, a, b);
}

/// start + weight * (end - start), computed from the nearer end.
[[nodiscard]] WICK_API Tensor lerp(const Tensor& start, const Tensor& end, const Operand& weight);
WICK_API void lerp(const Tensor& start, const Tensor& end, const Operand& weight,
                   const Tensor& out);
inline void lerp_(const Tensor& self, const Tensor& end, const Operand& weight) {
  lerp(self, end, weight, self);
}

/// out = alpha * a + beta * b, of float32 or float64 and one shape; `out` may be a or b. One pass
/// where a factor is 1 or beta is 0, else two.
WICK_API void weighted_sum(double alpha, const Tensor& a, double beta, const Tensor& b,
                           const Tensor& out);

/// x, but not less than `min` and not more than `max`; `max` where they are the wrong way round,
/// and NaN where x or a bound is. std::nullopt leaves a side open; ValueError where both are.
[[nodiscard]] WICK_API Tensor clamp(const Tensor& x, const std::optional<Operand>& min,
                                    const std::optional<Operand>& max = std::nullopt);
WICK_API void clamp(const Tensor& x, const std::optional<Operand>& min,
                    const std::optional<Operand>& max, const Tensor& out);
inline void clamp_(const Tensor& self, const std::optional<Operand>& min,
                   const std::optional<Operand>& max = std::nullopt) {
  clamp(self, min, max, self);
}

/// condition ? a : b. The condition is bool, a and b are of any one dtype; two numbers give what
/// they give in PyTorch, with float32 as the default dtype.
[[nodiscard]] WICK_API Tensor where(const Tensor& condition, const Operand& a, const Operand& b);
WICK_API void where(const Tensor& condition, const Operand& a, const Operand& b, const Tensor& out);

}  // namespace wick::ops
