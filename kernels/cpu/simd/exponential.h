// SPDX-License-Identifier: MIT
// exp for vectors of float.
#pragma once

#include "kernels/cpu/simd/vector.h"

namespace wick::cpu {

template <typename Isa>
struct IntVectorOf {
  typedef std::int32_t Type __attribute__((vector_size(Isa::kVectorBytes)));
};

/// e^x for x <= 0 with a relative error below 2 ulp; results below the smallest normal float are 0,
/// NaN stays NaN.
///
/// x = n ln 2 + r with |r| <= ln 2 / 2; ln 2 in two parts (Cody and Waite 1980) keeps r exact; e^r
/// by its Taylor polynomial of degree 7, whose remainder is below 2^-27 there.
template <typename Isa>
[[gnu::always_inline]] inline Vector<float, Isa> exp_nonpositive(Vector<float, Isa> x) {
  using V = Vector<float, Isa>;
  using I = typename IntVectorOf<Isa>::Type;
  const V smallest = broadcast<float, Isa>(-87.3365447F);
  const I underflows = x < smallest;
  const V clamped = underflows ? smallest : x;
  const V scaled = clamped * 1.44269504F;
  // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
  const V magic = broadcast<float, Isa>(12582912.0F);
  const V shifted = scaled + magic;
  const V n = shifted - magic;
  V r = clamped - n * 0.693359375F;
  r = r - n * -2.12194440e-4F;
  V p = broadcast<float, Isa>(1.0F / 5040.0F);
  p = p * r + 1.0F / 720.0F;
  p = p * r + 1.0F / 120.0F;
  p = p * r + 1.0F / 24.0F;
  p = p * r + 1.0F / 6.0F;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  // 2^n goes straight into the exponent field.
  const I exponent = (reinterpret_cast<I>(shifted) - reinterpret_cast<I>(magic)) << 23;
  const V result = reinterpret_cast<V>(reinterpret_cast<I>(p) + exponent);
  const V kept = underflows ? V{} : result;
  return x == x ? kept : x;
}

}  // namespace wick::cpu
