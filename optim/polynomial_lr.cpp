// SPDX-License-Identifier: MIT
#include "wick/optim/polynomial_lr.h"

#include <cmath>

#include "optim/option_reader.h"
#include "optim/schedule_checks.h"

namespace wick::optim {
namespace {

Optimizer& checked(Optimizer& optimizer, std::int64_t total_iters, double power) {
  require_at_least("PolynomialLR", "total_iters", total_iters, 0);
  require_finite_option("PolynomialLR", "power", power);
  return optimizer;
}

}  // namespace

PolynomialLR::PolynomialLR(Optimizer& optimizer, std::int64_t total_iters, double power)
    : LRScheduler(checked(optimizer, total_iters, power)),
      total_iters_(total_iters),
      power_(power) {}

Dict PolynomialLR::options() const {
  return {{"total_iters", total_iters_}, {"power", power_}};
}

void PolynomialLR::read_options(OptionReader& reader) {
  const Value total_iters = reader.number_value("total_iters");
  const Value power = reader.number_value("power");
  if (reader.has_problems()) return;
  total_iters_ = total_iters;
  power_ = power;
}

double PolynomialLR::next_lr(double lr, double /*base_lr*/, const Step& step) const {
  const double total = total_iters_.as_double();
  if (step.is_initial || step.epoch > total) return lr;
  const double ratio = (1.0 - step.epoch / total) / (1.0 - (step.epoch - 1.0) / total);
  return lr * std::pow(ratio, power_.as_double());
}

}  // namespace wick::optim
