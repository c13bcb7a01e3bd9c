// SPDX-License-Identifier: MIT
// What changes from one optimizer step to the next, worked out the same way for every device.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/backend.h"
#include "core/backend/update.h"
#include "kernels/negligible.h"

namespace wick {

/// The scalars of one optimizer step, worked out in double on the host.
struct StepScalars {
  double lr = 0.0;
  double decay = 1.0;                          // Adam: 1 - lr * weight_decay if decoupled, else 1
  double step_size = 0.0;                      // Adam: lr / (1 - beta1^step)
  double inverse_bias_correction2_sqrt = 1.0;  // Adam: 1 / sqrt(1 - beta2^step)
  double mean_weight = 0.0;                    // see negligible.h
  std::int64_t first_step = 0;                 // SGD: the momentum buffer holds nothing yet
};

[[nodiscard]] inline StepScalars step_scalars(const SgdArgs& args) {
  StepScalars scalars;
  scalars.lr = args.lr;
  scalars.mean_weight = mean_weight(args.lr, 1.0, args.momentum);
  scalars.first_step = args.first_step ? 1 : 0;
  return scalars;
}

[[nodiscard]] inline StepScalars step_scalars(const AdamArgs& args) {
  StepScalars scalars;
  scalars.lr = args.lr;
  scalars.decay = args.decoupled_weight_decay ? 1.0 - args.lr * args.weight_decay : 1.0;
  scalars.step_size = args.lr / (1.0 - std::pow(args.beta1, args.step));
  scalars.inverse_bias_correction2_sqrt = 1.0 / std::sqrt(1.0 - std::pow(args.beta2, args.step));
  const double keep = scalars.decay > 0.0 ? args.beta1 / scalars.decay : 1.0;
  scalars.mean_weight = mean_weight(scalars.step_size, args.eps, keep);
  return scalars;
}

}  // namespace wick
