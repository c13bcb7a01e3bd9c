// SPDX-License-Identifier: MIT
#include "wick/optim/cosine_annealing_warm_restarts.h"

#include <cmath>
#include <numbers>

#include "optim/option_reader.h"
#include "optim/schedule_checks.h"

namespace wick::optim {
namespace {

Optimizer& checked(Optimizer& optimizer, std::int64_t t_0, std::int64_t t_mult, double eta_min) {
  require_at_least("CosineAnnealingWarmRestarts", "T_0", t_0, 1);
  require_at_least("CosineAnnealingWarmRestarts", "T_mult", t_mult, 1);
  require_finite_option("CosineAnnealingWarmRestarts", "eta_min", eta_min);
  return optimizer;
}

/// An int where `like` are ints and it fits one.
Value number_like(double value, const Value& like, const Value& also_like) {
  const bool is_float = like.kind() == Value::Kind::real || also_like.kind() == Value::Kind::real;
  if (is_float || std::abs(value) > 0x1p62) return value;
  return static_cast<std::int64_t>(value);
}

}  // namespace

CosineAnnealingWarmRestarts::CosineAnnealingWarmRestarts(Optimizer& optimizer, std::int64_t t_0,
                                                         std::int64_t t_mult, double eta_min)
    : LRScheduler(checked(optimizer, t_0, t_mult, eta_min)),
      t_0_(t_0),
      t_i_(t_0),
      t_mult_(t_mult),
      eta_min_(eta_min),
      t_cur_(0) {
  initial_step();
}

void CosineAnnealingWarmRestarts::initial_step() {
  t_i_ = t_0_;
  t_cur_ = 0;
  // PyTorch's steps of this class are not counted.
  move_to({.epoch = 0.0, .count = 0.0, .is_initial = true});
}

void CosineAnnealingWarmRestarts::step() {
  if (now().epoch < 0.0) {  // as it is in a SequentialLR
    t_i_ = t_0_;
    t_cur_ = 0;
    return move_to({.epoch = 0.0, .count = now().count});
  }
  t_cur_ = number_like(t_cur_.as_double() + 1.0, t_cur_, t_cur_);
  if (t_cur_.as_double() >= t_i_.as_double()) {
    t_cur_ = number_like(std::fmod(t_cur_.as_double(), t_i_.as_double()), t_cur_, t_i_);
    t_i_ = number_like(t_i_.as_double() * t_mult_.as_double(), t_i_, t_mult_);
  }
  move_to({.epoch = std::floor(now().epoch + 1.0), .count = now().count});
}

Dict CosineAnnealingWarmRestarts::options() const {
  return {
      {"T_0", t_0_}, {"T_i", t_i_}, {"T_mult", t_mult_}, {"eta_min", eta_min_}, {"T_cur", t_cur_}};
}

void CosineAnnealingWarmRestarts::read_options(OptionReader& reader) {
  const Value t_0 = reader.number_value("T_0");
  const Value t_i = reader.number_value("T_i");
  const Value t_mult = reader.number_value("T_mult");
  const Value eta_min = reader.number_value("eta_min");
  const Value t_cur = reader.number_value("T_cur");
  if (reader.has_problems()) return;
  if (!(t_i.as_double() > 0.0)) return reader.problem("'T_i' must be greater than 0");
  t_0_ = t_0;
  t_i_ = t_i;
  t_mult_ = t_mult;
  eta_min_ = eta_min;
  t_cur_ = t_cur;
}

double CosineAnnealingWarmRestarts::next_lr(double /*lr*/, double base_lr,
                                            const Step& /*step*/) const {
  const double eta_min = eta_min_.as_double();
  const double angle = std::numbers::pi * t_cur_.as_double() / t_i_.as_double();
  return eta_min + (base_lr - eta_min) * (1.0 + std::cos(angle)) / 2.0;
}

}  // namespace wick::optim
