// SPDX-License-Identifier: MIT
// The losses of one input and one target (LossOp) and their gradients by the input, each written
// once for the CPU's vectors and CUDA's threads. `M` is what they compute with: Float32Math or
// LibraryMath. Formulas, and what becomes of NaN, are PyTorch's.
#pragma once

#include "core/backend/loss.h"
#include "kernels/formulas/float32_math.h"
#include "kernels/formulas/library_math.h"

namespace wick::formulas {

template <typename V>
struct LossAndGrad {
  V loss;
  V grad;
};

/// of<M>(x, t, a, p): the loss of the input x with the target t; p is the pos_weight, or 1.
template <LossOp Op>
struct PointwiseLoss;

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
  [[gnu::always_inline]] static constexpr LossAndGrad<V> of(V x, V t, typename M::Scalar /*a*/,
                                                            V /*p*/) {
    const V d = x - t;
    return {M::abs(d), sign<M>(d)};
  }
};

template <>
struct PointwiseLoss<LossOp::mse_loss> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr LossAndGrad<V> of(V x, V t, typename M::Scalar /*a*/,
                                                            V /*p*/) {
    const V d = x - t;
    return {d * d, d + d};
  }
};

/// d^2 / (2 beta) below beta, |d| - beta / 2 from there on (Girshick 2015); |d| for a beta of 0.
template <>
struct PointwiseLoss<LossOp::smooth_l1_loss> {
  template <typename M, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr LossAndGrad<V> of(V x, V t, typename M::Scalar beta,
                                                            V /*p*/) {
    using S = typename M::Scalar;
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
  [[gnu::always_inline]] static constexpr LossAndGrad<V> of(V x, V t, typename M::Scalar delta,
                                                            V /*p*/) {
    using S = typename M::Scalar;
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
  [[gnu::always_inline]] static constexpr LossAndGrad<V> of(V x, V t, typename M::Scalar /*a*/,
                                                            V p) {
    using S = typename M::Scalar;
    const V q = (p - S(1)) * t;
    const V tail = M::log1p(M::exp_nonpositive(-M::abs(x)));
    const V negative = x < S(0) ? -x : M::set(0);
    const V loss = (S(1) - t) * x + (S(1) + q) * (tail + negative);
    // sigmoid(x) - t loses nothing where q is 0.
    return {loss, (M::sigmoid(x) - t) - q * M::sigmoid(-x)};
  }
};

}  // namespace wick::formulas
