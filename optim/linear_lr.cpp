// SPDX-License-Identifier: MIT
#include "wick/optim/linear_lr.h"

#include <algorithm>

#include "optim/option_reader.h"
#include "optim/schedule_checks.h"

namespace wick::optim {
namespace {

Optimizer& checked(Optimizer& optimizer, double start_factor, double end_factor,
                   std::int64_t total_iters) {
  require_factor("LinearLR", "start_factor", start_factor, false);
  require_factor("LinearLR", "end_factor", end_factor, true);
  require_at_least("LinearLR", "total_iters", total_iters, 0);
  return optimizer;
}

}  // namespace

LinearLR::LinearLR(Optimizer& optimizer, double start_factor, double end_factor,
                   std::int64_t total_iters)
    : LRScheduler(checked(optimizer, start_factor, end_factor, total_iters)),
      start_factor_(start_factor),
      end_factor_(end_factor),
      total_iters_(total_iters) {
  start();
}

Dict LinearLR::options() const {
  return {
      {"start_factor", start_factor_}, {"end_factor", end_factor_}, {"total_iters", total_iters_}};
}

void LinearLR::read_options(OptionReader& reader) {
  const Value start_factor = reader.number_value("start_factor");
  const Value end_factor = reader.number_value("end_factor");
  const Value total_iters = reader.number_value("total_iters");
  if (reader.has_problems()) return;
  if (start_factor.as_double() == 0.0) return reader.problem("'start_factor' must not be 0");
  start_factor_ = start_factor;
  end_factor_ = end_factor;
  total_iters_ = total_iters;
}

double LinearLR::next_lr(double lr, double /*base_lr*/, const Step& step) const {
  // The operations and their order are PyTorch's, to the last bit of the result.
  const double start = start_factor_.as_double();
  const double end = end_factor_.as_double();
  const double total = total_iters_.as_double();
  if (step.epoch == 0.0) return lr * start;
  if (step.is_initial || step.epoch > total) return lr;
  return lr * (1.0 + (end - start) / (total * start + (step.epoch - 1.0) * (end - start)));
}

double LinearLR::begin_lr(double /*lr*/, double base_lr, const Step& step) const {
  const double start = start_factor_.as_double();
  const double end = end_factor_.as_double();
  const double total = total_iters_.as_double();
  if (total == 0.0) return base_lr * end;
  return base_lr * (start + (end - start) * std::min(total, step.epoch) / total);
}

}  // namespace wick::optim
