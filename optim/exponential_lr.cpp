// SPDX-License-Identifier: MIT
#include "wick/optim/exponential_lr.h"

#include "optim/option_reader.h"
#include "optim/schedule_checks.h"

namespace wick::optim {

ExponentialLR::ExponentialLR(Optimizer& optimizer, double gamma)
    : LRScheduler((require_finite_option("ExponentialLR", "gamma", gamma), optimizer)),
      gamma_(gamma) {}

Dict ExponentialLR::options() const {
  return {{"gamma", gamma_}};
}

void ExponentialLR::read_options(OptionReader& reader) {
  const Value gamma = reader.number_value("gamma");
  if (!reader.has_problems()) gamma_ = gamma;
}

double ExponentialLR::next_lr(double lr, double /*base_lr*/, const Step& step) const {
  return step.is_initial ? lr : lr * gamma_.as_double();
}

}  // namespace wick::optim
