// SPDX-License-Identifier: MIT
#include "wick/optim/constant_lr.h"

#include "optim/option_reader.h"
#include "optim/schedule_checks.h"

namespace wick::optim {
namespace {

Optimizer& checked(Optimizer& optimizer, double factor, std::int64_t total_iters) {
  require_factor("ConstantLR", "factor", factor, true);
  require_at_least("ConstantLR", "total_iters", total_iters, 0);
  return optimizer;
}

}  // namespace

ConstantLR::ConstantLR(Optimizer& optimizer, double factor, std::int64_t total_iters)
    : LRScheduler(checked(optimizer, factor, total_iters)),
      factor_(factor),
      total_iters_(total_iters) {
  start();
}

Dict ConstantLR::options() const {
  return {{"factor", factor_}, {"total_iters", total_iters_}};
}

void ConstantLR::read_options(OptionReader& reader) {
  const Value factor = reader.number_value("factor");
  const Value total_iters = reader.number_value("total_iters");
  if (reader.has_problems()) return;
  factor_ = factor;
  total_iters_ = total_iters;
}

double ConstantLR::next_lr(double lr, double base_lr, const Step& step) const {
  const double factor = factor_.as_double();
  if (step.epoch == 0.0) return lr * factor;
  if (step.epoch != total_iters_.as_double()) return lr;
  return factor == 0.0 ? base_lr : lr * (1.0 / factor);
}

double ConstantLR::begin_lr(double /*lr*/, double base_lr, const Step& step) const {
  const double factor = factor_.as_double();
  const double whole = step.epoch >= total_iters_.as_double() ? 1.0 : 0.0;
  return base_lr * (factor + whole * (1.0 - factor));
}

}  // namespace wick::optim
