// SPDX-License-Identifier: MIT
// +, -, * and / of tensors and numbers: the functions add, sub, mul and div of
// core/ops_arithmetic.h, which says what holds of them. Each operator makes a new tensor; x += y
// and its like write into x, whose views see it. Comparisons are functions (ops::eq, ops::lt), so
// that == does not turn into a tensor unseen.
#pragma once

#include <type_traits>

#include "wick/core/ops_arithmetic.h"
#include "wick/core/tensor.h"

namespace wick {

[[nodiscard]] inline Tensor operator+(const Tensor& a, const ops::Operand& b) {
  return ops::add(a, b);
}
[[nodiscard]] inline Tensor operator-(const Tensor& a, const ops::Operand& b) {
  return ops::sub(a, b);
}
[[nodiscard]] inline Tensor operator*(const Tensor& a, const ops::Operand& b) {
  return ops::mul(a, b);
}
[[nodiscard]] inline Tensor operator/(const Tensor& a, const ops::Operand& b) {
  return ops::div(a, b);
}

template <typename T>
requires std::is_arithmetic_v<T>
[[nodiscard]] Tensor operator+(T a, const Tensor& b) {
  return ops::add(a, b);
}
template <typename T>
requires std::is_arithmetic_v<T>
[[nodiscard]] Tensor operator-(T a, const Tensor& b) {
  return ops::sub(a, b);
}
template <typename T>
requires std::is_arithmetic_v<T>
[[nodiscard]] Tensor operator*(T a, const Tensor& b) {
  return ops::mul(a, b);
}
template <typename T>
requires std::is_arithmetic_v<T>
[[nodiscard]] Tensor operator/(T a, const Tensor& b) {
  return ops::div(a, b);
}

/// Of any number dtype but bool, as in PyTorch.
[[nodiscard]] inline Tensor operator-(const Tensor& a) {
  return ops::mul(a, -1);
}

inline Tensor& operator+=(Tensor& a, const ops::Operand& b) {
  ops::add_(a, b);
  return a;
}
inline Tensor& operator-=(Tensor& a, const ops::Operand& b) {
  ops::sub_(a, b);
  return a;
}
inline Tensor& operator*=(Tensor& a, const ops::Operand& b) {
  ops::mul_(a, b);
  return a;
}
inline Tensor& operator/=(Tensor& a, const ops::Operand& b) {
  ops::div_(a, b);
  return a;
}

}  // namespace wick
