// SPDX-License-Identifier: MIT
// Checks of the arguments of schedulers: before the base class leaves its mark in the optimizer.
#pragma once

#include <cmath>
#include <cstdint>
#include <string_view>

#include "wick/core/error.h"

namespace wick::optim {

inline void require_finite_option(std::string_view scheduler, std::string_view name, double value) {
  if (std::isfinite(value)) return;
  throw ValueError(concat(scheduler, ": ", name, " must be finite, got ", value));
}

/// A factor from 0 to 1.
inline void require_factor(std::string_view scheduler, std::string_view name, double value,
                           bool may_be_zero) {
  if (value <= 1.0 && (may_be_zero ? value >= 0.0 : value > 0.0)) return;
  throw ValueError(concat(scheduler, ": ", name, " must be ",
                          may_be_zero ? "at least 0" : "greater than 0", " and at most 1, got ",
                          value));
}

inline void require_at_least(std::string_view scheduler, std::string_view name, std::int64_t value,
                             std::int64_t least) {
  if (value >= least) return;
  throw ValueError(concat(scheduler, ": ", name, " must be at least ", least, ", got ", value));
}

}  // namespace wick::optim
