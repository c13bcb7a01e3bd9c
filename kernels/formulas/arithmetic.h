// SPDX-License-Identifier: MIT
// Functions of two and three numbers of any dtype that has arithmetic: float, double, int64 and
// bool. Integers wrap, as PyTorch's.
#pragma once

#include <cstdint>
#include <type_traits>

#include "wick/core/backend/arithmetic.h"

namespace wick::formulas {

/// What a number is added and multiplied as: unsigned, where overflow has a meaning.
template <typename T>
using Wrapping = std::conditional_t<std::is_floating_point_v<T>, T, std::uint64_t>;

/// apply(a, b, alpha), for every BinaryOp; the result of a comparison is bool.
template <BinaryOp Op>
struct Binary {
  template <typename T>
  using Result = std::conditional_t<is_comparison(Op), bool, T>;

  template <typename T>
  [[gnu::always_inline]] static constexpr Result<T> apply(T a, T b, T alpha) {
    using W = Wrapping<T>;
    if constexpr (Op == BinaryOp::add) {
      return static_cast<T>(static_cast<W>(a) + static_cast<W>(alpha) * static_cast<W>(b));
    } else if constexpr (Op == BinaryOp::sub) {
      return static_cast<T>(static_cast<W>(a) - static_cast<W>(alpha) * static_cast<W>(b));
    } else if constexpr (Op == BinaryOp::mul) {
      return static_cast<T>(static_cast<W>(a) * static_cast<W>(b));
    } else if constexpr (Op == BinaryOp::div) {
      return static_cast<T>(a / b);
    } else if constexpr (Op == BinaryOp::minimum) {
      return a < b || a != a ? a : b;
    } else if constexpr (Op == BinaryOp::maximum) {
      return a > b || a != a ? a : b;
    } else if constexpr (Op == BinaryOp::eq) {
      return a == b;
    } else if constexpr (Op == BinaryOp::ne) {
      return a != b;
    } else if constexpr (Op == BinaryOp::lt) {
      return a < b;
    } else if constexpr (Op == BinaryOp::le) {
      return a <= b;
    } else if constexpr (Op == BinaryOp::gt) {
      return a > b;
    } else {
      return a >= b;
    }
  }
};

/// apply(a, b, c) of lerp and clamp.
template <TernaryOp Op>
struct Ternary {
  template <typename T>
  [[gnu::always_inline]] static constexpr T apply(T a, T b, T c) {
    if constexpr (Op == TernaryOp::lerp) {
      // From the nearer end, so that a weight of 1 gives it exactly.
      const bool near_a = c < T{0.5} && c > T{-0.5};
      return (near_a ? a : b) + (near_a ? c : c - T{1}) * (b - a);
    } else {
      const T raised = Binary<BinaryOp::maximum>::apply(a, b, T{1});
      // A bound that is NaN gives NaN, from whichever side.
      return Binary<BinaryOp::minimum>::apply(raised, c, T{1});
    }
  }
};

}  // namespace wick::formulas
