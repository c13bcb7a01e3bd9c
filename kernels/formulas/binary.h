// SPDX-License-Identifier: MIT
// Functions of two arguments.
#pragma once

#include "core/backend/elementwise.h"

namespace wick::formulas {

template <BinaryOp Op, typename T>
struct Binary {
  T alpha;
  T beta;

  [[gnu::always_inline]] constexpr T operator()(T a, T b) const {
    if constexpr (Op == BinaryOp::add) return a + b;
    if constexpr (Op == BinaryOp::multiply) return a * b;
    if constexpr (Op == BinaryOp::weighted_sum) return alpha * a + beta * b;
    if constexpr (Op == BinaryOp::lerp) {
      // PyTorch's two forms, each exact at its end.
      const bool near_a = alpha < T{0.5} && alpha > T{-0.5};
      return near_a ? a + alpha * (b - a) : b - (b - a) * (T{1} - alpha);
    }
  }
};

}  // namespace wick::formulas
