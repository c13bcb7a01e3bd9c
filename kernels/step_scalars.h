// SPDX-License-Identifier: MIT
// The numbers of an optimizer's update, worked out on the host in the same way for every device.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/formulas/update.h"
#include "kernels/negligible.h"
#include "wick/core/backend/update.h"
#include "wick/core/error.h"

namespace wick {

/// What changes from one step to the next, in double.
struct StepScalars {
  double rate = 0.0;            // of the mean, the quotient or the gradient that it moves by
  double grad_rate = 0.0;       // nadam: of the gradient beside the mean
  double decay = 1.0;           // the parameter is multiplied by it first
  double correction = 1.0;      // of the root of the mean of squares
  double mean_weight = 0.0;     // see negligible.h
  std::int64_t first_step = 0;  // UpdateArgs::first_step
  std::int64_t adaptive = 0;    // radam: the mean is divided by the root of the mean of squares
};

namespace detail {

/// 1 - lr * weight_decay where the decay is decoupled from the gradient, else 1.
[[nodiscard]] inline double decay_of(const UpdateArgs& args) {
  return args.decoupled_weight_decay ? 1.0 - args.lr * args.weight_decay : 1.0;
}

[[nodiscard]] inline double bias_correction(double beta, double step) {
  return 1.0 - std::pow(beta, step);
}

/// mean_weight() of a running mean by beta1 that is divided by something not below eps.
[[nodiscard]] inline double adam_mean_weight(const UpdateArgs& args, const StepScalars& scalars) {
  const double keep = scalars.decay > 0.0 ? args.beta1 / scalars.decay : 1.0;
  return mean_weight(scalars.rate, args.eps, keep);
}

/// The rate of RAdam's step (Liu et al. 2020), and whether it is adaptive.
inline void set_radam(const UpdateArgs& args, StepScalars& scalars) {
  const double correction2 = bias_correction(args.beta2, args.step);
  const double longest = 2.0 / (1.0 - args.beta2) - 1.0;
  const double length = longest - 2.0 * args.step * std::pow(args.beta2, args.step) / correction2;
  scalars.rate = args.lr / bias_correction(args.beta1, args.step);
  if (!(length > 5.0)) return;
  const double rectification = std::sqrt((length - 4.0) * (length - 2.0) * longest /
                                         ((longest - 4.0) * (longest - 2.0) * length));
  scalars.rate *= rectification * std::sqrt(correction2);
  scalars.adaptive = 1;
}

}  // namespace detail

[[nodiscard]] inline StepScalars step_scalars(const UpdateArgs& args) {
  StepScalars scalars;
  scalars.rate = args.lr;
  switch (args.op) {
    case UpdateOp::sgd:
      scalars.mean_weight = mean_weight(args.lr, 1.0, args.momentum);
      scalars.first_step = args.first_step ? 1 : 0;
      break;
    case UpdateOp::adam:
      scalars.rate = args.lr / detail::bias_correction(args.beta1, args.step);
      scalars.decay = detail::decay_of(args);
      scalars.correction = 1.0 / std::sqrt(detail::bias_correction(args.beta2, args.step));
      scalars.mean_weight = detail::adam_mean_weight(args, scalars);
      break;
    case UpdateOp::rmsprop: scalars.mean_weight = mean_weight(args.lr, 1.0, args.momentum); break;
    case UpdateOp::adagrad:
      scalars.rate = args.lr / (1.0 + (args.step - 1.0) * args.lr_decay);
      break;
    case UpdateOp::nadam:
      scalars.rate =
          args.lr * args.next_momentum / (1.0 - args.momentum_product * args.next_momentum);
      scalars.grad_rate = args.lr * (1.0 - args.momentum) / (1.0 - args.momentum_product);
      scalars.decay = detail::decay_of(args);
      scalars.correction = 1.0 / std::sqrt(detail::bias_correction(args.beta2, args.step));
      scalars.mean_weight = detail::adam_mean_weight(args, scalars);
      break;
    case UpdateOp::radam:
      detail::set_radam(args, scalars);
      scalars.decay = detail::decay_of(args);
      scalars.mean_weight = detail::adam_mean_weight(args, scalars);
      break;
    case UpdateOp::adamax:
      scalars.rate = args.lr / detail::bias_correction(args.beta1, args.step);
      scalars.mean_weight = detail::adam_mean_weight(args, scalars);
      break;
  }
  return scalars;
}

/// What does not change from step to step.
template <typename T>
[[nodiscard]] formulas::UpdateOptions<T> update_options(const UpdateArgs& args) {
  // In the difference that the centered RMSprop takes, no square is negligible; Adagrad's and
  // Adamax's are no running means.
  const bool centered = args.op == UpdateOp::rmsprop && args.state[2] != nullptr;
  return {T{args.maximize ? -1.0F : 1.0F},
          static_cast<T>(args.decoupled_weight_decay ? 0.0 : args.weight_decay),
          static_cast<T>(args.momentum),
          static_cast<T>(1.0 - args.dampening),
          static_cast<T>(args.beta2),
          static_cast<T>(1.0 - args.beta1),
          static_cast<T>(1.0 - args.beta2),
          static_cast<T>(args.eps),
          centered ? T{0} : negligible_square<T>(args.eps, args.beta2),
          args.nesterov};
}

/// What does. Also called by CUDA's threads.
template <typename T>
[[nodiscard]] [[gnu::always_inline]] constexpr formulas::UpdateScalars<T> update_scalars(
    const StepScalars& scalars) {
  return {static_cast<T>(scalars.rate),
          static_cast<T>(scalars.grad_rate),
          static_cast<T>(scalars.decay),
          static_cast<T>(scalars.correction),
          static_cast<T>(scalars.mean_weight),
          scalars.first_step != 0,
          scalars.adaptive != 0};
}

/// The tensors of state that there are. Throws ValueError where they are not those of the update.
[[nodiscard]] inline formulas::StateMask states_of(const UpdateArgs& args) {
  formulas::StateMask states = 0;
  for (std::size_t i = 0; i < args.state.size(); ++i) {
    if (args.state[i] != nullptr) states |= 1U << i;
  }
  if (args.count > 0 && !formulas::has_states(args.op, states)) {
    throw ValueError(concat(info_of(args.op).name, ": tensors of the state are missing"));
  }
  return states;
}

}  // namespace wick
