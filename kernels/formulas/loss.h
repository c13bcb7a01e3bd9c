// SPDX-License-Identifier: MIT
// The losses of one input and one target (LossOp) and their gradients by the input, each written
// once for the CPU's vectors and CUDA's threads. `M` is what they compute with: Float32Math or
// LibraryMath. Formulas, and what becomes of NaN, are PyTorch's.
#pragma once

#include "kernels/formulas/float32_math.h"
#include "kernels/formulas/library_math.h"
#include "wick/core/backend/loss.h"

namespace wick::formulas {

template <typename V>
struct LossAndGrad {
  V loss;
  V grad;
  V grad_var{};  // by the variance, of gaussian_nll_loss
};

/// of<M>(x, t, c, p): the loss of the input x with the target t; c are the parameters, p is the
/// pos_weight, or 1, or the variance of gaussian_nll_loss.
template <LossOp Op>
struct PointwiseLoss;

/// See LossOp.
template <typename S>
struct LossParameters {
  S a;
  S b;
};

/// 1, 0 or -1; of NaN 0.
template <typename M, typename V = typename M::V>
[[gnu::always_inline]] constexpr V sign(V x) {
  using S = typename M::Scalar;
  const V negative = x < S(0) ? M::set(-1) : M::set(0);
  return x > S(0) ? M::set(1) : negative;
}

template <>
struct PointwiseLoss<LossOp::l1_loss> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr LossAndGrad<V> of(
      V x, V t, LossParameters<typename M::Scalar> /*c*/, V /*p*/) {
    const V d = x - t;
    return {M::abs(d), sign<M>(d)};
  }
};

template <>
struct PointwiseLoss<LossOp::mse_loss> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr LossAndGrad<V> of(
      V x, V t, LossParameters<typename M::Scalar> /*c*/, V /*p*/) {
    const V d = x - t;
    return {d * d, d + d};
  }
};

/// d^2 / (2 beta) below beta, |d| - beta / 2 from there on (Girshick 2015); |d| for a beta of 0.
template <>
struct PointwiseLoss<LossOp::smooth_l1_loss> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr LossAndGrad<V> of(V x, V t,
                                                            LossParameters<typename M::Scalar> c,
                                                            V /*p*/) {
    using S = typename M::Scalar;
    const S beta = c.a;
    const V d = x - t;
    const V magnitude = M::abs(d);
    const V ratio = d / beta;
    const V far = d == d ? sign<M>(d) : d;
    const V quadratic = S(0.5) * d * ratio;
    return {magnitude < beta ? quadratic : magnitude - S(0.5) * beta,
            magnitude < beta ? ratio : far};
  }
};

/// d^2 / 2 up to delta, delta (|d| - delta / 2) from there on (Huber 1964).
template <>
struct PointwiseLoss<LossOp::huber_loss> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr LossAndGrad<V> of(V x, V t,
                                                            LossParameters<typename M::Scalar> c,
                                                            V /*p*/) {
    using S = typename M::Scalar;
    const S delta = c.a;
    const V d = x - t;
    const V magnitude = M::abs(d);
    const V far = d == d ? sign<M>(d) * delta : d;
    const V quadratic = S(0.5) * d * d;
    return {magnitude > delta ? delta * (magnitude - S(0.5) * delta) : quadratic,
            magnitude > delta ? far : d};
  }
};

/// -(p t log(sigmoid(x)) + (1 - t) log(1 - sigmoid(x))), that is, with q = (p - 1) t and
/// softplus(-x) = log(1 + exp(-|x|)) + max(-x, 0): (1 - t) x + (1 + q) softplus(-x).
template <>
struct PointwiseLoss<LossOp::binary_cross_entropy_with_logits> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr LossAndGrad<V> of(
      V x, V t, LossParameters<typename M::Scalar> /*c*/, V p) {
    using S = typename M::Scalar;
    const V q = (p - S(1)) * t;
    const V tail = M::log1p_of_fraction(M::exp_nonpositive(-M::abs(x)));
    const V negative = x < S(0) ? -x : M::set(0);
    const V loss = (S(1) - t) * x + (S(1) + q) * (tail + negative);
    // sigmoid(x) - t loses nothing where q is 0.
    return {loss, (M::sigmoid(x) - t) - q * M::sigmoid(-x)};
  }
};

/// -(t log(x) + (1 - t) log(1 - x)), with logarithms of -100 at least, for x from 0 to 1.
template <>
struct PointwiseLoss<LossOp::binary_cross_entropy> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr LossAndGrad<V> of(
      V x, V t, LossParameters<typename M::Scalar> /*c*/, V /*p*/) {
    using S = typename M::Scalar;
    const V least = M::set(-100);
    const V yes = M::log(x);
    const V no = M::log1p(-x);
    const V bounded_yes = yes < S(-100) ? least : yes;
    const V bounded_no = no < S(-100) ? least : no;
    const V product = (S(1) - x) * x;
    const V divisor = product < S(1e-12) ? M::set(S(1e-12)) : product;
    return {(t - S(1)) * bounded_no - t * bounded_yes, (x - t) / divisor};
  }
};

/// t (log(t) - x), where x is a logarithm, and t log(t) is 0 at 0 (Kullback and Leibler 1951).
template <>
struct PointwiseLoss<LossOp::kl_div> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr LossAndGrad<V> of(
      V x, V t, LossParameters<typename M::Scalar> /*c*/, V /*p*/) {
    using S = typename M::Scalar;
    const V entropy = t * M::log(t);
    return {(t == S(0) ? M::set(0) : entropy) - t * x, -t};
  }
};

/// The same, where t is a logarithm, too: exp(t) (t - x).
template <>
struct PointwiseLoss<LossOp::kl_div_log_target> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr LossAndGrad<V> of(
      V x, V t, LossParameters<typename M::Scalar> /*c*/, V /*p*/) {
    const V e = M::exp(t);
    return {e * (t - x), -e};
  }
};

/// Stirling's approximation of log(t!), from t = 1 on; below 0.
template <typename M, typename V = typename M::V>
[[gnu::always_inline]] constexpr V log_factorial(V t) {
  using S = typename M::Scalar;
  constexpr double kTwoPi = 6.28318530717958647692;
  const V value = t * M::log(t) - t + S(0.5) * M::log(S(kTwoPi) * t);
  return t <= S(1) ? M::set(0) : value;
}

/// x - t log(x + a), of a Poisson distribution with mean x; with b, and log(t!).
template <>
struct PointwiseLoss<LossOp::poisson_nll_loss> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr LossAndGrad<V> of(V x, V t,
                                                            LossParameters<typename M::Scalar> c,
                                                            V /*p*/) {
    using S = typename M::Scalar;
    const V shifted = x + c.a;
    V loss = x - t * M::log(shifted);
    if (c.b != S(0)) loss = loss + log_factorial<M>(t);
    return {loss, S(1) - t / shifted};
  }
};

/// exp(x) - t x, of a mean of exp(x); with b, and log(t!).
template <>
struct PointwiseLoss<LossOp::poisson_nll_loss_log_input> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr LossAndGrad<V> of(V x, V t,
                                                            LossParameters<typename M::Scalar> c,
                                                            V /*p*/) {
    using S = typename M::Scalar;
    const V e = M::exp(x);
    V loss = e - t * x;
    if (c.b != S(0)) loss = loss + log_factorial<M>(t);
    return {loss, e - t};
  }
};

/// (log(v) + (x - t)^2 / v) / 2 with v = max(p, a), which is taken for p in the gradient (Nix and
/// Weigend 1994); with b, and log(2 pi) / 2.
template <>
struct PointwiseLoss<LossOp::gaussian_nll_loss> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr LossAndGrad<V> of(V x, V t,
                                                            LossParameters<typename M::Scalar> c,
                                                            V p) {
    using S = typename M::Scalar;
    constexpr double kHalfLogOfTwoPi = 0.91893853320467274178;
    const V v = p < c.a ? M::set(c.a) : p;
    const V d = x - t;
    const V ratio = d / v;
    V loss = S(0.5) * (M::log(v) + d * ratio);
    if (c.b != S(0)) loss = loss + S(kHalfLogOfTwoPi);
    return {loss, ratio, S(0.5) * (S(1) / v - ratio * ratio)};
  }
};

/// -q x with q = (1 - a) t + b, where x is the logarithm of a probability, t that probability, and
/// a and b are of the label smoothing.
template <>
struct PointwiseLoss<LossOp::soft_target_nll_loss> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr LossAndGrad<V> of(V x, V t,
                                                            LossParameters<typename M::Scalar> c,
                                                            V /*p*/) {
    using S = typename M::Scalar;
    const V q = (S(1) - c.a) * t + c.b;
    return {-(q * x), -q};
  }
};

}  // namespace wick::formulas
