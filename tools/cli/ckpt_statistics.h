// SPDX-License-Identifier: MIT
// What the elements of a tensor are like, and how two tensors differ, in bounded memory.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "wick/core/tensor.h"

namespace wick::tools {

/// Of the finite elements, where it does not say otherwise; complex ones count by their absolute
/// value, bool ones as 0 and 1. Computed in float64, integers' extremes exactly.
struct Statistics {
  static constexpr std::size_t kBins = 60;

  std::int64_t count = 0;   // of all elements
  std::int64_t finite = 0;  // of these, neither NaN nor infinite
  std::int64_t nans = 0;
  std::int64_t infinities = 0;
  std::int64_t zeros = 0;
  std::string minimum = "-";  // as text, so that integers of 64 bits are exact
  std::string maximum = "-";
  double low = 0;
  double high = 0;
  double mean = 0;
  double deviation = 0;  // torch.std: with count - 1; 0 for fewer than two elements
  std::array<std::int64_t, kBins> histogram{};  // over [low, high]
};

/// Throws DTypeError for opaque dtypes (is_opaque()), which have no numbers.
[[nodiscard]] Statistics statistics_of(const Tensor& given);

/// The first elements, in row-major order, as text. Throws DTypeError for opaque dtypes.
[[nodiscard]] std::vector<std::string> first_elements(const Tensor& tensor, std::int64_t count);

struct Difference {
  std::int64_t differing = 0;  // elements that are not equal; NaN equals NaN
  std::int64_t outside = 0;    // of these, beyond the tolerances
  bool same_bits = true;       // -0 and 0, and NaNs among themselves, are equal but not the same
  double largest_absolute = 0;
  double largest_relative = 0;  // |a - b| / |b|; infinite where only b is 0
};

/// Of tensors of one shape; two dtypes are compared in float64. An element is outside where |a - b|
/// > atol + rtol * |b|. Elements of an opaque dtype differ where their bytes do, by no number; two
/// dtypes of which one is opaque throw DTypeError.
[[nodiscard]] Difference difference_of(const Tensor& a, const Tensor& b, double rtol, double atol);

}  // namespace wick::tools
