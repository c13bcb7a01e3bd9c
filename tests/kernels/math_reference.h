// SPDX-License-Identifier: MIT
// The functions of kernels/formulas/float32_math.h and the C library's in float64 beside them.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <vector>

#include "tests/kernels/math_functions.h"

namespace wick::testing {

/// Those that this processor can run.
inline std::vector<const MathFunctions*> all_functions() {
  std::vector<const MathFunctions*> result{&kBaselineMath, &kScalarMath};
#if defined(WICK_WITH_AVX2)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    result.push_back(&kAvx2Math);
    result.push_back(&kScalarFmaMath);
  }
#endif
#if defined(WICK_WITH_AVX512)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) {
    result.push_back(&kAvx512Math);
  }
#endif
  return result;
}

inline double sigmoid(double x) {
  return x < 0.0 ? std::exp(x) / (1.0 + std::exp(x)) : 1.0 / (1.0 + std::exp(-x));
}

/// A function and what it must be.
struct Checked {
  const char* name;
  MathFunction MathFunctions::*function;
  double (*reference)(double);
};
inline constexpr Checked kChecked[] = {
    {"exp", &MathFunctions::exp, std::exp},       {"expm1", &MathFunctions::expm1, std::expm1},
    {"log", &MathFunctions::log, std::log},       {"log1p", &MathFunctions::log1p, std::log1p},
    {"tanh", &MathFunctions::tanh, std::tanh},    {"erf", &MathFunctions::erf, std::erf},
    {"sigmoid", &MathFunctions::sigmoid, sigmoid}};

/// Numbers in their order as integers, so that neighbours are 1 apart.
inline std::int64_t place(float value) {
  const auto bits = std::bit_cast<std::int32_t>(value);
  return bits < 0 ? std::int64_t{std::numeric_limits<std::int32_t>::min()} - bits : bits;
}

/// How many numbers of float32 lie between the result and the right one; 0 for two NaN.
inline std::int64_t distance(float result, double exact) {
  const auto expected = static_cast<float>(exact);
  if (std::isnan(expected)) return std::isnan(result) ? 0 : 1 << 30;
  return std::isnan(result) ? 1 << 30 : std::abs(place(result) - place(expected));
}

}  // namespace wick::testing
