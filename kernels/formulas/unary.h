// SPDX-License-Identifier: MIT
// The functions of one argument (UnaryOp) and their gradients, each written once for the CPU's
// vectors and CUDA's threads. `M` is what they compute with: Float32Math or LibraryMath.
//
// Formulas, values where a function has a kink, and what becomes of infinities are PyTorch's. NaN
// gives NaN; its gradient is what a comparison with it leaves.
#pragma once

#include "kernels/formulas/float32_math.h"
#include "kernels/formulas/library_math.h"
#include "wick/core/backend/elementwise.h"

namespace wick::formulas {

/// UnaryParameters in the type of the elements.
template <typename Scalar>
struct Parameters {
  Scalar a;
  Scalar b;
};
template <typename M>
using ParametersOf = Parameters<typename M::Scalar>;

/// forward<M>(x, parameters) is the function; backward<M>(dy, saved, parameters) its gradient,
/// where `saved` is what kUnaryOps says.
template <UnaryOp Op>
struct Unary;

template <>
struct Unary<UnaryOp::relu> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V forward(V x, const ParametersOf<M>& /*p*/) {
    using S = typename M::Scalar;
    return x < S(0) ? M::set(0) : x;
  }
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V backward(V dy, V y, const ParametersOf<M>& /*p*/) {
    using S = typename M::Scalar;
    return y <= S(0) ? M::set(0) : dy;  // where y is NaN, too
  }
};

inline constexpr double kInverseSqrtTwoPi = 0.39894228040143267794;

/// x between 0 and 6; NaN stays.
template <typename M, typename V = typename M::V>
[[gnu::always_inline]] constexpr V zero_to_six(V x) {
  using S = typename M::Scalar;
  const V low = x < S(0) ? M::set(0) : x;
  return low > S(6) ? M::set(6) : low;
}

template <>
struct Unary<UnaryOp::tanh> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V forward(V x, const ParametersOf<M>& /*p*/) {
    return M::tanh(x);
  }
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V backward(V dy, V y, const ParametersOf<M>& /*p*/) {
    using S = typename M::Scalar;
    return dy * (S(1) - y * y);
  }
};

template <>
struct Unary<UnaryOp::sigmoid> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V forward(V x, const ParametersOf<M>& /*p*/) {
    return M::sigmoid(x);
  }
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V backward(V dy, V y, const ParametersOf<M>& /*p*/) {
    using S = typename M::Scalar;
    return dy * ((S(1) - y) * y);
  }
};

/// sigmoid(x) and its derivative, without the cancellation of 1 - sigmoid(x).
template <typename M>
struct Logistic {
  typename M::V value;
  typename M::V slope;
};
template <typename M, typename V = typename M::V>
[[gnu::always_inline]] constexpr Logistic<M> logistic(V x) {
  using S = typename M::Scalar;
  const V e = M::exp_nonpositive(-M::abs(x));
  const V inverse = S(1) / (e + S(1));
  const V complement = e * inverse;
  return {x < S(0) ? complement : inverse, complement * inverse};
}

/// x Phi(x), where Phi is the normal distribution (Hendrycks and Gimpel 2016).
template <>
struct Unary<UnaryOp::gelu> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V forward(V x, const ParametersOf<M>& /*p*/) {
    return x * M::normal(x).distribution;
  }
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V backward(V dy, V x, const ParametersOf<M>& /*p*/) {
    using S = typename M::Scalar;
    const auto normal = M::normal(x);
    return dy * (normal.distribution + x * (normal.density * S(kInverseSqrtTwoPi)));
  }
};

/// x / 2 (1 + tanh(u)) with u = sqrt(2 / pi) (x + 0.044715 x^3); that is x sigmoid(2u).
template <>
struct Unary<UnaryOp::gelu_tanh> {
  static constexpr double kSqrtTwoOverPi = 0.79788456080286535588;
  static constexpr double kCubic = 0.044715;
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V twice_inner(V x) {
    using S = typename M::Scalar;
    return x * (S(2 * kSqrtTwoOverPi) + S(2 * kSqrtTwoOverPi * kCubic) * (x * x));
  }
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V forward(V x, const ParametersOf<M>& /*p*/) {
    return x * M::sigmoid(twice_inner<M>(x));
  }
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V backward(V dy, V x, const ParametersOf<M>& /*p*/) {
    using S = typename M::Scalar;
    const Logistic<M> s = logistic<M>(twice_inner<M>(x));
    const V slope = S(2 * kSqrtTwoOverPi) + S(6 * kSqrtTwoOverPi * kCubic) * (x * x);
    return dy * (s.value + x * s.slope * slope);
  }
};

template <>
struct Unary<UnaryOp::silu> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V forward(V x, const ParametersOf<M>& /*p*/) {
    return x * M::sigmoid(x);
  }
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V backward(V dy, V x, const ParametersOf<M>& /*p*/) {
    const Logistic<M> s = logistic<M>(x);
    return dy * (s.value + x * s.slope);
  }
};

template <>
struct Unary<UnaryOp::leaky_relu> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V forward(V x, const ParametersOf<M>& p) {
    using S = typename M::Scalar;
    return x > S(0) ? x : x * p.a;
  }
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V backward(V dy, V x, const ParametersOf<M>& p) {
    using S = typename M::Scalar;
    return x > S(0) ? dy : dy * p.a;
  }
};

template <>
struct Unary<UnaryOp::elu> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V forward(V x, const ParametersOf<M>& p) {
    using S = typename M::Scalar;
    return x < S(0) ? M::expm1(x) * p.a : x;
  }
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V backward(V dy, V x, const ParametersOf<M>& p) {
    using S = typename M::Scalar;
    return x > S(0) ? dy : dy * (M::exp_nonpositive(x) * p.a);
  }
};

/// Klambauer et al. 2017.
template <>
struct Unary<UnaryOp::selu> {
  static constexpr double kAlpha = 1.6732632423543772848170429916717;
  static constexpr double kScale = 1.0507009873554804934193349852946;
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V forward(V x, const ParametersOf<M>& /*p*/) {
    using S = typename M::Scalar;
    return x < S(0) ? M::expm1(x) * S(kScale * kAlpha) : x * S(kScale);
  }
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V backward(V dy, V x, const ParametersOf<M>& /*p*/) {
    using S = typename M::Scalar;
    return x > S(0) ? dy * S(kScale) : dy * (M::exp_nonpositive(x) * S(kScale * kAlpha));
  }
};

template <>
struct Unary<UnaryOp::celu> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V forward(V x, const ParametersOf<M>& p) {
    using S = typename M::Scalar;
    return x < S(0) ? M::expm1(x * (S(1) / p.a)) * p.a : x;
  }
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V backward(V dy, V x, const ParametersOf<M>& p) {
    using S = typename M::Scalar;
    return x > S(0) ? dy : dy * M::exp(x * (S(1) / p.a));
  }
};

/// x tanh(softplus(x)) (Misra 2019); with e = exp(-|x|) the tangent is (1 + 2e) / (1 + 2e + 2e^2)
/// for positive x, and (e^2 + 2e) / (e^2 + 2e + 2) for negative.
template <>
struct Unary<UnaryOp::mish> {
  // As a fraction, and its denominator less its numerator.
  template <typename M>
  struct Tanh {
    typename M::V numerator;
    typename M::V denominator;
    typename M::V rest;
  };
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr Tanh<M> tanh_of_softplus(V x) {
    using S = typename M::Scalar;
    const V e = M::exp_nonpositive(-M::abs(x));
    const V numerator = x > S(0) ? e * S(2) + S(1) : e * (e + S(2));
    const V rest = x > S(0) ? e * e * S(2) : M::set(2);
    return {numerator, numerator + rest, rest};
  }
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V forward(V x, const ParametersOf<M>& /*p*/) {
    const Tanh<M> t = tanh_of_softplus<M>(x);
    return x * (t.numerator / t.denominator);
  }
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V backward(V dy, V x, const ParametersOf<M>& /*p*/) {
    const Tanh<M> t = tanh_of_softplus<M>(x);
    // tanh(s) + x sigmoid(x) (1 - tanh(s)^2), where s = softplus(x).
    const V squares = t.rest * (t.numerator + t.denominator) / (t.denominator * t.denominator);
    return dy * (t.numerator / t.denominator + x * M::sigmoid(x) * squares);
  }
};

template <>
struct Unary<UnaryOp::log_sigmoid> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V forward(V x, const ParametersOf<M>& /*p*/) {
    using S = typename M::Scalar;
    return (x < S(0) ? x : M::set(0)) - M::log1p_of_fraction(M::exp_nonpositive(-M::abs(x)));
  }
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V backward(V dy, V x, const ParametersOf<M>& /*p*/) {
    return dy * M::sigmoid(-x);
  }
};

template <>
struct Unary<UnaryOp::hardtanh> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V forward(V x, const ParametersOf<M>& p) {
    const V low = x < p.a ? M::set(p.a) : x;
    return low > p.b ? M::set(p.b) : low;
  }
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V backward(V dy, V x, const ParametersOf<M>& p) {
    const V inside = x > p.a ? dy : M::set(0);
    return x < p.b ? inside : M::set(0);
  }
};

template <>
struct Unary<UnaryOp::hardsigmoid> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V forward(V x, const ParametersOf<M>& /*p*/) {
    using S = typename M::Scalar;
    return zero_to_six<M>(x + S(3)) / S(6);
  }
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V backward(V dy, V x, const ParametersOf<M>& /*p*/) {
    using S = typename M::Scalar;
    const V inside = x > S(-3) ? dy / S(6) : M::set(0);
    return x < S(3) ? inside : M::set(0);
  }
};

template <>
struct Unary<UnaryOp::hardswish> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V forward(V x, const ParametersOf<M>& /*p*/) {
    using S = typename M::Scalar;
    return x * zero_to_six<M>(x + S(3)) / S(6);
  }
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V backward(V dy, V x, const ParametersOf<M>& /*p*/) {
    using S = typename M::Scalar;
    const V inside = x <= S(-3) ? M::set(0) : dy * (x / S(3) + S(0.5));
    return x >= S(3) ? dy : inside;
  }
};

template <>
struct Unary<UnaryOp::softplus> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V forward(V x, const ParametersOf<M>& p) {
    using S = typename M::Scalar;
    const V scaled = x * p.a;
    const V positive = scaled > S(0) ? scaled : M::set(0);
    const V soft = (positive + M::log1p_of_fraction(M::exp_nonpositive(-M::abs(scaled)))) / p.a;
    return scaled > p.b ? x : soft;
  }
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V backward(V dy, V x, const ParametersOf<M>& p) {
    const V scaled = x * p.a;
    return scaled > p.b ? dy : dy * M::sigmoid(scaled);
  }
};

template <>
struct Unary<UnaryOp::softsign> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V forward(V x, const ParametersOf<M>& /*p*/) {
    return x / (M::abs(x) + M::set(1));
  }
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr V backward(V dy, V x, const ParametersOf<M>& /*p*/) {
    const V divisor = M::abs(x) + M::set(1);
    return dy / (divisor * divisor) + (x - x);  // NaN where the function is, at infinity
  }
};

}  // namespace wick::formulas
