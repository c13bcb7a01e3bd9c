// SPDX-License-Identifier: MIT
// The terms of reductions, norms, and what is made of them: each formula once.
#pragma once

#include <cmath>
#include <type_traits>

#include "wick/core/backend/vector_reduce.h"

namespace wick::formulas {

/// What an element adds; of abs_max, what is compared. In float64, as the result.
template <VectorReduceOp Op>
[[gnu::always_inline]] inline constexpr double reduce_term(double a, double b, double power) {
  if constexpr (Op == VectorReduceOp::dot) return a * b;
  if constexpr (Op == VectorReduceOp::square_sum) return a * a;
  if constexpr (Op == VectorReduceOp::power_sum) return ::pow(::fabs(a), power);
  return ::fabs(a);
}

/// Two results of parts, or a result and a term.
template <VectorReduceOp Op>
[[gnu::always_inline]] inline constexpr double reduce_both(double a, double b) {
  if constexpr (Op == VectorReduceOp::abs_max) return b > a || b != b ? b : a;
  return a + b;
}

/// The norm whose powers have been summed, in float64 though Number may be float32.
template <typename Number>
[[gnu::always_inline]] inline constexpr Number norm_from(const ScaleByNormArgs& args,
                                                         double reduced) {
  if (args.op == VectorReduceOp::square_sum) return static_cast<Number>(::sqrt(reduced));
  if (args.op == VectorReduceOp::power_sum)
    return static_cast<Number>(::pow(reduced, 1.0 / args.power));
  return static_cast<Number>(reduced);
}

/// In PyTorch's order of operations. A norm that is NaN gives NaN.
template <typename Number>
[[gnu::always_inline]] inline constexpr Number scale_from(const ScaleByNormArgs& args,
                                                          Number norm) {
  const auto limit = static_cast<Number>(args.limit);
  if (args.scale == NormScale::normalize) return Number{1} / (norm < limit ? limit : norm);
  const Number scale = limit * (Number{1} / (norm + static_cast<Number>(1e-6)));
  return scale > Number{1} ? Number{1} : scale;
}

}  // namespace wick::formulas
