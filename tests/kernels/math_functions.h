// SPDX-License-Identifier: MIT
// The functions of kernels/formulas/float32_math.h over arrays, compiled for several instruction
// sets: those of the CPU's vectors, and one number at a time as CUDA's threads have them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "kernels/cpu/simd/vector_lanes.h"

namespace wick::testing {

/// y[i] = f(x[i]).
using MathFunction = void (*)(const float* x, float* y, std::size_t count);

/// The functions of one kind of lanes.
struct MathFunctions {
  const char* name;
  MathFunction exp;
  MathFunction expm1;
  MathFunction log;
  MathFunction log1p;
  MathFunction tanh;
  MathFunction sigmoid;
  MathFunction erf;
  MathFunction log1p_of_fraction;
  MathFunction normal_distribution;
  MathFunction normal_density;
};

extern const MathFunctions kBaselineMath;
extern const MathFunctions kScalarMath;
// The rest exist in x86-64 builds only; each needs a processor that has them.
extern const MathFunctions kAvx2Math;
extern const MathFunctions kScalarFmaMath;
extern const MathFunctions kAvx512Math;

namespace {  // each file that includes this has functions for other instructions

template <typename V, auto Function>
void over_array(const float* x, float* y, std::size_t count) {
  constexpr std::size_t kWidth = sizeof(V) / sizeof(float);
  for (std::size_t i = 0; i < count; i += kWidth) {
    const std::size_t bytes = std::min(kWidth, count - i) * sizeof(float);
    V value{};
    std::memcpy(&value, x + i, bytes);
    value = Function(value);
    std::memcpy(y + i, &value, bytes);
  }
}

template <typename M>
[[gnu::always_inline]] inline typename M::V normal_distribution(typename M::V x) {
  return M::normal(x).distribution;
}
template <typename M>
[[gnu::always_inline]] inline typename M::V normal_density(typename M::V x) {
  return M::normal(x).density;
}

template <typename Lanes>
constexpr MathFunctions math_functions(const char* name) {
  using M = formulas::Float32Math<Lanes>;
  using V = typename M::V;
  return {name,
          over_array<V, M::exp>,
          over_array<V, M::expm1>,
          over_array<V, M::log>,
          over_array<V, M::log1p>,
          over_array<V, M::tanh>,
          over_array<V, M::sigmoid>,
          over_array<V, M::erf>,
          over_array<V, M::log1p_of_fraction>,
          over_array<V, normal_distribution<M>>,
          over_array<V, normal_density<M>>};
}

}  // namespace
}  // namespace wick::testing
