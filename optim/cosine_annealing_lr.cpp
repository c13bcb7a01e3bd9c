// SPDX-License-Identifier: MIT
#include "wick/optim/cosine_annealing_lr.h"

#include <cmath>
#include <numbers>

#include "optim/option_reader.h"
#include "wick/core/error.h"

namespace wick::optim {
namespace {

/// Before the base class leaves its mark in the optimizer.
Optimizer& checked(Optimizer& optimizer, std::int64_t t_max, double eta_min) {
  if (t_max < 1) {
    throw ValueError(concat("CosineAnnealingLR: T_max must be at least 1, got ", t_max));
  }
  if (!std::isfinite(eta_min)) {
    throw ValueError(concat("CosineAnnealingLR: eta_min must be finite, got ", eta_min));
  }
  return optimizer;
}

}  // namespace

CosineAnnealingLR::CosineAnnealingLR(Optimizer& optimizer, std::int64_t t_max, double eta_min)
    : LRScheduler(checked(optimizer, t_max, eta_min)), t_max_(t_max), eta_min_(eta_min) {}

Dict CosineAnnealingLR::options() const {
  return {{"T_max", t_max_}, {"eta_min", eta_min_}};
}

void CosineAnnealingLR::read_options(OptionReader& reader) {
  const Value t_max = reader.number_value("T_max");
  const Value eta_min = reader.number_value("eta_min");
  if (reader.has_problems()) return;
  if (t_max.as_double() == 0.0) return reader.problem("'T_max' must not be 0");
  t_max_ = t_max;
  eta_min_ = eta_min;
}

double CosineAnnealingLR::next_lr(double lr, double base_lr, const Step& step) const {
  if (step.is_initial) return lr;
  // The operations and their order are PyTorch's, to the last bit of the result.
  constexpr double kPi = std::numbers::pi;
  const double t_max = t_max_.as_double();
  const double eta_min = eta_min_.as_double();
  if (step.count == 1.0 && step.epoch > 0.0) {
    return eta_min + (base_lr - eta_min) * (1.0 + std::cos(step.epoch * kPi / t_max)) / 2.0;
  }
  const double before = 1.0 + std::cos(kPi * (step.epoch - 1.0) / t_max);
  // The rate has reached eta_min, and the quotient below would divide by zero. (Where it would do
  // so by rounding, for a T_max of a thousand million, PyTorch gives up.)
  if (std::fmod(step.epoch - 1.0 - t_max, 2.0 * t_max) == 0.0 || before == 0.0) {
    return lr + (base_lr - eta_min) * (1.0 - std::cos(kPi / t_max)) / 2.0;
  }
  return (1.0 + std::cos(kPi * step.epoch / t_max)) / before * (lr - eta_min) + eta_min;
}

double CosineAnnealingLR::begin_lr(double /*lr*/, double base_lr, const Step& step) const {
  const double eta_min = eta_min_.as_double();
  const double angle = std::numbers::pi * step.epoch / t_max_.as_double();
  return eta_min + (base_lr - eta_min) * (1.0 + std::cos(angle)) / 2.0;
}

}  // namespace wick::optim
