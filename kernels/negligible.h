// SPDX-License-Identifier: MIT
// When a running mean of an optimizer is as good as nothing. One source for all devices.
//
// Running means of parameters whose gradient has become zero (a ReLU that no input reaches) decay
// geometrically and would spend most of a long run as subnormal numbers, which processors handle a
// hundred times slower. They become zero, but only where no parameter, now or later, differs from
// PyTorch's by more than it is rounded:
// - a mean m of gradients beside its parameter p: where p + m mean_weight() - p is zero;
// - a mean of squares: below negligible_square().
// Everywhere else subnormal numbers stay what they are.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace wick {

/// No learning rate up to this one, whenever it is set, makes a negligible mean count.
inline constexpr double kHighestRate = 0x1p20;

/// What a mean of gradients of size 1 moves its parameter by at most, in all steps together: in
/// each by `rate` / `divisor` of the mean, of which `keep` is left in the next step; `keep` is a
/// part of what weight decay leaves of the parameter. NaN where no mean is negligible.
[[nodiscard]] inline double mean_weight(double rate, double divisor, double keep) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  constexpr double kMost = 0x1p127;  // in float32
  const double left = divisor * (1.0 - keep);
  if (!(left > 0.0)) return kNone;
  const double weight = std::max(std::abs(rate), kHighestRate) / left;
  return weight <= kMost ? weight : kNone;
}

/// Adam's exp_avg_sq below this has no effect on sqrt(exp_avg_sq / (1 - beta2^t)) + eps: leaving
/// less than b out of it in each step makes it less than b (1 - beta2^t) / (1 - beta2) too small at
/// step t, and with b = (r eps)^2 (1 - beta2) the root less than r eps, where r is a quarter of
/// what the sum is rounded by. Zero where that is below all normal numbers.
template <typename T>
[[nodiscard]] T negligible_square(double eps, double beta2) {
  constexpr bool kFloat = sizeof(T) == sizeof(float);
  constexpr double kRounding = kFloat ? 0x1p-26 : 0x1p-55;
  // Enough to stay clear of subnormal numbers.
  constexpr double kMost = kFloat ? 1e-37 : 1e-300;
  const double bound = kRounding * kRounding * eps * eps * (1.0 - beta2);
  if (!(bound >= static_cast<double>(std::numeric_limits<T>::min()))) return T{0};
  return static_cast<T>(std::min(bound, kMost));
}

}  // namespace wick
