// SPDX-License-Identifier: MIT
#include "optim/cosine_annealing_lr.h"

#include <cmath>
#include <numbers>
#include <string>

#include "core/error.h"
#include "optim/option_reader.h"

namespace wick::optim {
namespace {

/// Empty where the options are sound.
std::string problem_of(std::int64_t t_max, double eta_min) {
  if (t_max < 1) return concat("T_max must be at least 1, got ", t_max);
  if (!(eta_min >= 0.0)) return concat("eta_min must be at least 0, got ", eta_min);
  return {};
}

/// Before the base class leaves its mark in the optimizer.
Optimizer& checked(Optimizer& optimizer, std::int64_t t_max, double eta_min) {
  if (const std::string problem = problem_of(t_max, eta_min); !problem.empty()) {
    throw ValueError(concat("CosineAnnealingLR: ", problem));
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
  const std::int64_t t_max = reader.integer("T_max");
  const double eta_min = reader.number("eta_min");
  if (reader.has_problems()) return;
  if (const std::string problem = problem_of(t_max, eta_min); !problem.empty()) {
    return reader.problem(problem);
  }
  t_max_ = t_max;
  eta_min_ = eta_min;
}

double CosineAnnealingLR::next_lr(double lr, double base_lr) const {
  // The operations and their order are PyTorch's, to the last bit of the result.
  constexpr double kPi = std::numbers::pi;
  const auto t_max = static_cast<double>(t_max_);
  const auto epoch = static_cast<double>(last_epoch());
  if (step_count() == 1 && last_epoch() > 0) {
    return eta_min_ + (base_lr - eta_min_) * (1.0 + std::cos(epoch * kPi / t_max)) / 2.0;
  }
  // The rate has reached eta_min, and the quotient below would divide by zero.
  if ((last_epoch() - 1 - t_max_) % (2 * t_max_) == 0) {
    return lr + (base_lr - eta_min_) * (1.0 - std::cos(kPi / t_max)) / 2.0;
  }
  return (1.0 + std::cos(kPi * epoch / t_max)) / (1.0 + std::cos(kPi * (epoch - 1.0) / t_max)) *
             (lr - eta_min_) +
         eta_min_;
}

}  // namespace wick::optim
