// SPDX-License-Identifier: MIT
// What formulas compute with for one number at a time.
#pragma once

#include "kernels/formulas/float32_math.h"
#include "kernels/formulas/library_math.h"

namespace wick::formulas {

template <typename T>
struct ScalarMathOf {
  using Type = LibraryMath<T>;
};
template <>
struct ScalarMathOf<float> {
  using Type = Float32Math<ScalarLanes>;
};
template <typename T>
using ScalarMath = typename ScalarMathOf<T>::Type;

}  // namespace wick::formulas
