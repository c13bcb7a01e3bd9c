// SPDX-License-Identifier: MIT
#include "wick/optim/step_lr.h"

#include <cmath>

#include "optim/option_reader.h"
#include "wick/core/error.h"

namespace wick::optim {
namespace {

/// Before the base class leaves its mark in the optimizer.
Optimizer& checked(Optimizer& optimizer, std::int64_t step_size, double gamma) {
  if (step_size < 1) {
    throw ValueError(concat("StepLR: step_size must be at least 1, got ", step_size));
  }
  if (!std::isfinite(gamma)) throw ValueError(concat("StepLR: gamma must be finite, got ", gamma));
  return optimizer;
}

}  // namespace

StepLR::StepLR(Optimizer& optimizer, std::int64_t step_size, double gamma)
    : LRScheduler(checked(optimizer, step_size, gamma)), step_size_(step_size), gamma_(gamma) {}

Dict StepLR::options() const {
  return {{"step_size", step_size_}, {"gamma", gamma_}};
}

void StepLR::read_options(OptionReader& reader) {
  const Value step_size = reader.number_value("step_size");
  const Value gamma = reader.number_value("gamma");
  if (reader.has_problems()) return;
  if (step_size.as_double() == 0.0) return reader.problem("'step_size' must not be 0");
  step_size_ = step_size;
  gamma_ = gamma;
}

double StepLR::next_lr(double lr, double /*base_lr*/, const Step& step) const {
  const bool stays = step.epoch == 0.0 || std::fmod(step.epoch, step_size_.as_double()) != 0.0;
  return stays ? lr : lr * gamma_.as_double();
}

}  // namespace wick::optim
