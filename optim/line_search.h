// SPDX-License-Identifier: MIT
// A line search by the strong Wolfe conditions: torch/optim/lbfgs.py.
#pragma once

#include <cstdint>
#include <functional>

#include "wick/core/tensor.h"

namespace wick::optim {

/// A point x + t d of the line.
struct LinePoint {
  double t = 0.0;
  double loss = 0.0;
  double slope = 0.0;  // of the loss along d
  Tensor grad;
};

struct LineSearchOptions {
  double direction_size = 0.0;  // the largest |element| of d
  double tolerance_change = 1e-9;
  std::int64_t max_evaluations = 25;  // beside the first
};

struct LineSearchResult {
  LinePoint point;
  std::int64_t evaluations = 0;
};

/// From `start` (t = 0) and the first trial `t`, in PyTorch's steps. `evaluate` keeps no gradient:
/// each call gives memory of its own.
[[nodiscard]] LineSearchResult strong_wolfe(const std::function<LinePoint(double t)>& evaluate,
                                            const LinePoint& start, double t,
                                            const LineSearchOptions& options);

}  // namespace wick::optim
