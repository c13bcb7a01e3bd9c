// SPDX-License-Identifier: MIT
// Gradients that are kept from being too large: torch.nn.utils.clip_grad.
#pragma once

#include <span>

#include "wick/core/compiler.h"
#include "wick/core/parameter.h"

namespace wick::optim {

/// torch.nn.utils.clip_grad_norm_: multiplies all gradients by min(1, max_norm / (norm + 1e-6)),
/// where `norm` is that of all of them as one vector, and returns the norm: a tensor without
/// dimensions, of the gradients' dtype (float64 where there are both), on their device. Parameters
/// without a gradient or without elements are skipped. If there is no gradient, the norm is 0
/// (float32, CPU).
///
/// `norm_type` is above 0, and may be infinity, for the largest |gradient|. Sums are float64, so
/// that a norm is infinite only where it does not fit its dtype. A NaN among the gradients makes
/// all of them NaN, an infinite one makes all others 0, as in PyTorch. With `error_if_nonfinite`,
/// such a norm is a ValueError, and no gradient has changed.
///
/// Parameters that lie one after the other in flat memory (see ParameterArena) are one pass. On a
/// GPU the host waits for nothing, unless `error_if_nonfinite`. The result has the same bits for
/// any number of threads.
///
/// Throws ValueError for another `norm_type` and for a parameter that is null, DeviceError for
/// gradients on several devices, and DTypeError for such as are neither float32 nor float64. Thread
/// safety: none.
WICK_API Tensor clip_grad_norm_(std::span<const ParameterPtr> parameters, double max_norm,
                                double norm_type = 2.0, bool error_if_nonfinite = false);

/// The same for training loops: it keeps the memory that it needs, so that nothing is allocated
/// after the first call.
class WICK_API GradNormClipper {
 public:
  /// The tensor is overwritten by the next call.
  const Tensor& clip(std::span<const ParameterPtr> parameters, double max_norm,
                     double norm_type = 2.0, bool error_if_nonfinite = false);

 private:
  Tensor reduced_;
  Tensor norm_;
};

/// torch.nn.utils.clip_grad_value_: limits each element of the gradients to [-clip_value,
/// clip_value]; NaN stays NaN. Throws ValueError for a `clip_value` that is negative or no number,
/// which PyTorch takes; else as above.
WICK_API void clip_grad_value_(std::span<const ParameterPtr> parameters, double clip_value);

}  // namespace wick::optim
