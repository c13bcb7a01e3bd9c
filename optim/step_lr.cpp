// SPDX-License-Identifier: MIT
#include "optim/step_lr.h"

#include <string>

#include "core/error.h"
#include "optim/option_reader.h"

namespace wick::optim {
namespace {

/// Empty where the options are sound.
std::string problem_of(std::int64_t step_size, double gamma) {
  if (step_size < 1) return concat("step_size must be at least 1, got ", step_size);
  if (!(gamma >= 0.0)) return concat("gamma must be at least 0, got ", gamma);
  return {};
}

/// Before the base class leaves its mark in the optimizer.
Optimizer& checked(Optimizer& optimizer, std::int64_t step_size, double gamma) {
  if (const std::string problem = problem_of(step_size, gamma); !problem.empty()) {
    throw ValueError(concat("StepLR: ", problem));
  }
  return optimizer;
}

}  // namespace

StepLR::StepLR(Optimizer& optimizer, std::int64_t step_size, double gamma)
    : LRScheduler(checked(optimizer, step_size, gamma)), step_size_(step_size), gamma_(gamma) {}

Dict StepLR::options() const {
  return {{"step_size", step_size_}, {"gamma", gamma_}};
}

void StepLR::read_options(OptionReader& reader) {
  const std::int64_t step_size = reader.integer("step_size");
  const double gamma = reader.number("gamma");
  if (reader.has_problems()) return;
  if (const std::string problem = problem_of(step_size, gamma); !problem.empty()) {
    return reader.problem(problem);
  }
  step_size_ = step_size;
  gamma_ = gamma;
}

double StepLR::next_lr(double lr, double /*base_lr*/) const {
  return last_epoch() == 0 || last_epoch() % step_size_ != 0 ? lr : lr * gamma_;
}

}  // namespace wick::optim
