// SPDX-License-Identifier: MIT
// Running means of an optimizer that are as good as nothing. One source for all devices.
#pragma once

namespace wick {

/// Running means of parameters whose gradient has become zero (a ReLU that no input reaches) decay
/// geometrically and would spend most of a long run as subnormal numbers, which processors handle
/// a hundred times slower. So far below anything that moves a parameter they are taken as zero.
/// Not only the means must be normal: what is left over when one is divided is 2^-48 times as
/// small (2^-106 in float64), hence these bounds.
template <typename T>
struct Negligible {
  static constexpr bool kFloat = sizeof(T) == sizeof(float);
  static constexpr T kMean = kFloat ? T(1e-23) : T(1e-275);
  static constexpr T kMeanSquare = kFloat ? T(1e-37) : T(1e-230);
};

}  // namespace wick
