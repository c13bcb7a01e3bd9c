// SPDX-License-Identifier: MIT
// The functions that formulas are made of, for one float64 at a time: the C library's or CUDA's.
// Float64 is there to check gradients and to compare with other engines.
#pragma once

#include <cmath>
#include <type_traits>

namespace wick::formulas {

/// A template, so that its functions may be constexpr (see lanes.h) and call such as are not.
template <typename Number>
struct LibraryMath {
  static_assert(std::is_same_v<Number, double>, "float32 has functions of its own");
  using Scalar = Number;
  using V = Number;

  [[gnu::always_inline]] static constexpr V set(Number value) { return value; }
  [[gnu::always_inline]] static constexpr V abs(V x) { return ::fabs(x); }
  [[gnu::always_inline]] static constexpr V exp(V x) { return ::exp(x); }
  [[gnu::always_inline]] static constexpr V exp_nonpositive(V x) { return ::exp(x); }
  [[gnu::always_inline]] static constexpr V expm1(V x) { return ::expm1(x); }
  [[gnu::always_inline]] static constexpr V log(V x) { return ::log(x); }
  [[gnu::always_inline]] static constexpr V log1p(V x) { return ::log1p(x); }
  [[gnu::always_inline]] static constexpr V log1p_of_fraction(V x) { return ::log1p(x); }
  [[gnu::always_inline]] static constexpr V tanh(V x) { return ::tanh(x); }
  [[gnu::always_inline]] static constexpr V erf(V x) { return ::erf(x); }
  [[gnu::always_inline]] static constexpr V sigmoid(V x) {
    const V e = exp(-abs(x));
    return (x < Number{0} ? e : Number{1}) / (e + Number{1});
  }
  /// See Float32Math.
  struct Normal {
    V distribution;
    V density;
  };
  [[gnu::always_inline]] static constexpr Normal normal(V x) {
    constexpr Number kSqrtHalf = 0.70710678118654752440;
    return {Number{0.5} * ::erfc(-x * kSqrtHalf), exp(Number{-0.5} * x * x)};
  }
};

}  // namespace wick::formulas
