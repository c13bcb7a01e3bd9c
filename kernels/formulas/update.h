// SPDX-License-Identifier: MIT
// The updates of optimizers (UpdateOp), each written once for the CPU's vectors and CUDA's threads.
// Formulas and their order are those of PyTorch's _single_tensor_sgd, _single_tensor_adam and so
// on.
//
// `M` is what they compute with: its Scalar and V, abs, sqrt, and div, which divides by numbers
// that are at least kLeastDivisor, or NaN.
#pragma once

#include <cstdint>

#include "wick/core/backend/update.h"

namespace wick::formulas {

/// The options in the type of the elements: what does not change from step to step.
template <typename Scalar>
struct UpdateOptions {
  Scalar sign;          // -1 to maximize, else 1
  Scalar weight_decay;  // times the parameter, added to the gradient; 0 if decoupled
  Scalar momentum;
  Scalar one_minus_dampening;
  Scalar beta2;
  Scalar one_minus_beta1;
  Scalar one_minus_beta2;
  Scalar eps;
  Scalar negligible_square;  // see kernels/negligible.h
  bool nesterov;
};

/// What changes from step to step: StepScalars (kernels/step_scalars.h) in the type of the
/// elements.
template <typename Scalar>
struct UpdateScalars {
  Scalar rate;
  Scalar grad_rate;
  Scalar decay;
  Scalar correction;
  Scalar mean_weight;
  bool first_step;
  bool adaptive;
};

/// The state's tensors at the elements that are updated.
template <typename V>
struct UpdateState {
  V first;
  V second;
  V third;
};

/// Which tensors of state there are: bit i is set for UpdateArgs::state[i].
using StateMask = unsigned;
/// Whether an update can come with these tensors.
[[nodiscard]] constexpr bool has_states(UpdateOp op, StateMask states) {
  switch (op) {
    case UpdateOp::sgd: return states == 0U || states == 1U;
    case UpdateOp::adam: return states == 3U || states == 7U;
    case UpdateOp::rmsprop: return (states & 1U) != 0U && states <= 7U;
    case UpdateOp::adagrad: return states == 1U;
    case UpdateOp::nadam:
    case UpdateOp::radam:
    case UpdateOp::adamax: return states == 3U;
  }
  return false;
}

/// What of the options is known where a kernel is compiled: here nothing.
struct AnyFlags {
  static constexpr bool plain = false;
  bool decays;  // weight_decay is not 0: 0 times an infinite parameter would be NaN
  bool nesterov;
};
template <typename Scalar>
[[gnu::always_inline]] constexpr AnyFlags any_flags(const UpdateOptions<Scalar>& options) {
  return {options.weight_decay != Scalar{0}, options.nesterov};
}
/// The gradient is taken as it is, its weight in the running mean is less than a half, and eps is
/// at least kLeastDivisor.
struct PlainFlags {
  static constexpr bool plain = true;
  static constexpr bool decays = false;
  static constexpr bool nesterov = false;
};
template <bool Decays, bool Nesterov>
struct KnownFlags {
  static constexpr bool plain = false;
  static constexpr bool decays = Decays;
  static constexpr bool nesterov = Nesterov;
};

/// The smallest divisor that M::div takes: see quotient() in kernels/cpu/simd/vector.h.
template <typename Scalar>
inline constexpr Scalar kLeastDivisor = Scalar(0x1p-60);

/// What PlainFlags wants.
template <typename Scalar>
[[nodiscard]] [[gnu::always_inline]] constexpr bool is_plain(const UpdateOptions<Scalar>& options) {
  return options.sign == Scalar{1} && options.weight_decay == Scalar{0} &&
         options.one_minus_beta1 < Scalar(0.5) && options.eps >= kLeastDivisor<Scalar>;
}

/// `mean`, or zero where it is negligible beside `param`. NaN stays, and what an infinite parameter
/// has.
template <typename M, typename V = typename M::V>
[[gnu::always_inline]] constexpr V without_negligible(V mean, V param, typename M::Scalar weight) {
  using S = typename M::Scalar;
  return (param + mean * weight) - param == S{0} ? V{} : mean;
}

/// torch.lerp: from both ends, each where it is the nearer one, so that a weight of 1 gives `to`.
template <typename M, typename V = typename M::V>
[[gnu::always_inline]] constexpr V lerp(V from, V to, typename M::Scalar weight) {
  using S = typename M::Scalar;
  return weight < S(0.5) ? from + weight * (to - from) : to - (to - from) * (S{1} - weight);
}

/// torch.maximum.
template <typename M, typename V = typename M::V>
[[gnu::always_inline]] constexpr V larger_or_nan(V a, V b) {
  const V larger = a > b ? a : b;  // b where one of them is NaN
  return a == a ? larger : a;
}

/// A running mean of gradients, a step later.
template <typename M, typename Flags, typename V = typename M::V>
[[gnu::always_inline]] constexpr V next_mean(const UpdateOptions<typename M::Scalar>& o,
                                             const UpdateScalars<typename M::Scalar>& s,
                                             const Flags& flags, V old, V g, V p) {
  const V mixed =
      flags.plain ? old + o.one_minus_beta1 * (g - old) : lerp<M>(old, g, o.one_minus_beta1);
  return without_negligible<M>(mixed, p, s.mean_weight);
}

/// A running mean of squared gradients, a step later.
template <typename M, typename V = typename M::V>
[[gnu::always_inline]] constexpr V next_square(const UpdateOptions<typename M::Scalar>& o, V old,
                                               V g) {
  const V square = old * o.beta2 + o.one_minus_beta2 * g * g;
  return square < o.negligible_square ? V{} : square;  // never below zero
}

/// dividend / divisor, where PlainFlags promise that the divisor is no less than eps.
template <typename M, typename Flags, typename V = typename M::V>
[[gnu::always_inline]] constexpr V quotient_of(const Flags& flags, V dividend, V divisor) {
  return flags.plain ? M::div(dividend, divisor) : dividend / divisor;
}

/// The gradient with its sign and with the weight decay.
template <typename M, typename Flags, typename V = typename M::V>
[[gnu::always_inline]] constexpr V full_gradient(const UpdateOptions<typename M::Scalar>& o,
                                                 const Flags& flags, V g, V p) {
  if (flags.plain) return g;
  g = o.sign * g;
  if (flags.decays) g += o.weight_decay * p;
  return g;
}

/// apply<M, States>(options, scalars, flags, param, grad, state) updates `param` and the tensors in
/// `state` that `States` has.
template <UpdateOp Op>
struct Update;

template <>
struct Update<UpdateOp::sgd> {
  template <typename M, StateMask States, typename Flags, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr void apply(const UpdateOptions<typename M::Scalar>& o,
                                                     const UpdateScalars<typename M::Scalar>& s,
                                                     const Flags& flags, V& param, V grad,
                                                     UpdateState<V>& state) {
    using S = typename M::Scalar;
    const V p = param;
    V g = full_gradient<M>(o, flags, grad, p);
    if constexpr (States != 0U) {
      const S keep = s.first_step ? S{0} : o.momentum;
      const S take = s.first_step ? S{1} : o.one_minus_dampening;
      // On the first step the buffer may hold anything, NaN included.
      const V old = s.first_step ? V{} : state.first;
      state.first = without_negligible<M>(keep * old + take * g, p, s.mean_weight);
      g = flags.nesterov ? g + o.momentum * state.first : state.first;
    }
    param = p - s.rate * g;
  }
};

/// Kingma and Ba 2015; Loshchilov and Hutter 2019 for the decoupled decay; Reddi et al. 2018 for
/// amsgrad.
template <>
struct Update<UpdateOp::adam> {
  template <typename M, StateMask States, typename Flags, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr void apply(const UpdateOptions<typename M::Scalar>& o,
                                                     const UpdateScalars<typename M::Scalar>& s,
                                                     const Flags& flags, V& param, V grad,
                                                     UpdateState<V>& state) {
    const V p = param * s.decay;
    const V g = full_gradient<M>(o, flags, grad, p);
    const V mean = next_mean<M>(o, s, flags, state.first, g, p);
    V square = next_square<M>(o, state.second, g);
    state.first = mean;
    state.second = square;
    if constexpr ((States & 4U) != 0U) {
      square = larger_or_nan<M>(state.third, square);
      state.third = square;
    }
    const V divisor = M::sqrt(square) * s.correction + o.eps;
    const V scaled = s.rate * mean;  // first, as PyTorch does: it may overflow or vanish
    param = p - quotient_of<M>(flags, scaled, divisor);
  }
};

/// Hinton 2012; Graves 2013 for the centered form.
template <>
struct Update<UpdateOp::rmsprop> {
  template <typename M, StateMask States, typename Flags, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr void apply(const UpdateOptions<typename M::Scalar>& o,
                                                     const UpdateScalars<typename M::Scalar>& s,
                                                     const Flags& flags, V& param, V grad,
                                                     UpdateState<V>& state) {
    const V p = param;
    const V g = full_gradient<M>(o, flags, grad, p);
    V square = next_square<M>(o, state.first, g);
    state.first = square;
    if constexpr ((States & 4U) != 0U) {
      const V mean = lerp<M>(state.third, g, o.one_minus_beta2);
      state.third = mean;
      square = square - mean * mean;
    }
    const V divisor = M::sqrt(square) + o.eps;
    if constexpr ((States & 2U) != 0U) {
      const V velocity = state.second * o.momentum + g / divisor;
      state.second = without_negligible<M>(velocity, p, s.mean_weight);
      param = p - s.rate * state.second;
    } else {
      param = p - (s.rate * g) / divisor;
    }
  }
};

/// Duchi, Hazan and Singer 2011.
template <>
struct Update<UpdateOp::adagrad> {
  template <typename M, StateMask States, typename Flags, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr void apply(const UpdateOptions<typename M::Scalar>& o,
                                                     const UpdateScalars<typename M::Scalar>& s,
                                                     const Flags& flags, V& param, V grad,
                                                     UpdateState<V>& state) {
    const V g = full_gradient<M>(o, flags, grad, param);
    state.first = state.first + g * g;
    param = param - quotient_of<M>(flags, s.rate * g, M::sqrt(state.first) + o.eps);
  }
};

/// Dozat 2016.
template <>
struct Update<UpdateOp::nadam> {
  template <typename M, StateMask States, typename Flags, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr void apply(const UpdateOptions<typename M::Scalar>& o,
                                                     const UpdateScalars<typename M::Scalar>& s,
                                                     const Flags& flags, V& param, V grad,
                                                     UpdateState<V>& state) {
    const V p = param * s.decay;
    const V g = full_gradient<M>(o, flags, grad, p);
    state.first = next_mean<M>(o, s, flags, state.first, g, p);
    state.second = next_square<M>(o, state.second, g);
    const V divisor = M::sqrt(state.second) * s.correction + o.eps;
    const V after = p - quotient_of<M>(flags, s.grad_rate * g, divisor);
    param = after - quotient_of<M>(flags, s.rate * state.first, divisor);
  }
};

/// Liu et al. 2020.
template <>
struct Update<UpdateOp::radam> {
  template <typename M, StateMask States, typename Flags, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr void apply(const UpdateOptions<typename M::Scalar>& o,
                                                     const UpdateScalars<typename M::Scalar>& s,
                                                     const Flags& flags, V& param, V grad,
                                                     UpdateState<V>& state) {
    const V p = param * s.decay;
    const V g = full_gradient<M>(o, flags, grad, p);
    state.first = next_mean<M>(o, s, flags, state.first, g, p);
    state.second = next_square<M>(o, state.second, g);
    const V scaled = s.rate * state.first;
    // In the first steps the variance of the mean of squares is infinite, and it is left out.
    param =
        p - (s.adaptive ? quotient_of<M>(flags, scaled, M::sqrt(state.second) + o.eps) : scaled);
  }
};

/// Kingma and Ba 2015, section 7.
template <>
struct Update<UpdateOp::adamax> {
  template <typename M, StateMask States, typename Flags, typename V = typename M::V>
  [[gnu::always_inline]] static constexpr void apply(const UpdateOptions<typename M::Scalar>& o,
                                                     const UpdateScalars<typename M::Scalar>& s,
                                                     const Flags& flags, V& param, V grad,
                                                     UpdateState<V>& state) {
    const V p = param;
    const V g = full_gradient<M>(o, flags, grad, p);
    state.first = next_mean<M>(o, s, flags, state.first, g, p);
    state.second = larger_or_nan<M>(state.second * o.beta2, M::abs(g) + o.eps);
    param = p - quotient_of<M>(flags, s.rate * state.first, state.second);
  }
};

}  // namespace wick::formulas
