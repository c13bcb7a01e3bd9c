// SPDX-License-Identifier: MIT
// The functions that formulas are made of, for float32 lanes (lanes.h). At most 2 ulp from the
// correctly rounded value, subnormal arguments and results included where the processor does not
// flush them; infinities, NaN and zeros as in the C library (tests/kernels/float32_math_test.cpp).
//
// The bits of a result depend on whether the instruction set has fused multiply-adds. Where it has,
// they are the same from vector to vector and for any number of them.
//
// The coefficients are minimax fits, weighted by the relative error of the function and rounded to
// float32 one after the other, the later ones fitted again each time.
#pragma once

#include <cstdint>
#include <limits>

#include "kernels/formulas/lanes.h"

namespace wick::formulas {

template <typename Lanes>
struct Float32Math : Lanes {
  using V = typename Lanes::Value;
  using I = typename Lanes::Bits;
  using Lanes::at_least;
  using Lanes::at_most;
  using Lanes::bits;
  using Lanes::convert;
  using Lanes::set;
  using Lanes::set_bits;
  using Lanes::value;

  [[gnu::always_inline]] static constexpr V abs(V x) { return value(bits(x) & kAllButSign); }

  [[gnu::always_inline]] static constexpr V exp(V x) {
    return exp_in_range(at_least(at_most(x, kExpHigh), kExpLow));
  }
  /// exp for x <= 0; other results mean nothing.
  [[gnu::always_inline]] static constexpr V exp_nonpositive(V x) {
    const PowerOfE e = split(at_least(x, kExpLow));
    // 2^exponent need not be a normal number: 2^32 times that is.
    const V power = power_of_two(e.exponent + 32);
    return (e.tail * power + power) * 0x1p-32F;
  }
  /// The same, but 0 where it is below the smallest normal number: without the time that processors
  /// take for numbers below it.
  [[gnu::always_inline]] static constexpr V exp_nonpositive_or_zero(V x) {
    constexpr float kLogOfSmallest = -87.3365447F;
    const PowerOfE e = split(at_least(x, kLogOfSmallest));
    const V power = power_of_two(e.exponent);
    return x < kLogOfSmallest ? set(0.0F) : e.tail * power + power;
  }

  /// exp(x) - 1. Of -0 it is 0.
  [[gnu::always_inline]] static constexpr V expm1(V x) {
    const PowerOfE e = split(at_least(at_most(x, kExpHigh), -18.0F));
    // Half the result, since 2^128 is no float32.
    const V half = power_of_two(e.exponent - 1);
    return 2.0F * (half * e.tail + (half - 0.5F));
  }

  [[gnu::always_inline]] static constexpr V log(V x) {
    constexpr float kNormal = std::numeric_limits<float>::min();
    const V normal = x < kNormal ? x * 0x1p23F : x;
    const I shift = x < kNormal ? set_bits(23) : set_bits(0);
    const Logarithm part = split_log(normal);
    const V result = log_of(part.fraction, part.exponent - shift);
    return log_at_ends(x, x, result);
  }

  /// log(1 + x).
  [[gnu::always_inline]] static constexpr V log1p(V x) {
    const V sum = x + 1.0F;
    const Logarithm part = split_log(sum);
    // With what the sum has lost, which matters up to 2^24.
    const V lost = x - (sum - 1.0F);
    const V whole = part.fraction + lost * power_of_two(-part.exponent);
    const V fraction = x < 0x1p25F ? whole : part.fraction;
    const V result = log_at_ends(sum, x, log_of(fraction, part.exponent));
    return x == 0.0F ? x : result;
  }

  /// log(1 + x) for 0 <= x <= 1; other results mean nothing.
  [[gnu::always_inline]] static constexpr V log1p_of_fraction(V x) {
    const V p = polynomial(x, -0.00329149934F, 0.0200898163F, -0.0574621595F, 0.106614709F,
                           -0.153450057F, 0.196921244F, -0.249580204F, 0.333304644F, -0.499999315F);
    return p * (x * x) + x;
  }

  /// (1 - e) / (1 + e) with e = exp(-2x).
  [[gnu::always_inline]] static constexpr V tanh(V x) {
    const V magnitude = at_most(abs(x), 10.0F);  // from 9.01 on it is 1
    const PowerOfE e = split(magnitude * -2.0F);
    const V power = power_of_two(e.exponent);
    const V numerator = (1.0F - power) - power * e.tail;
    const V divisor = (1.0F + power) + power * e.tail;
    return with_sign_of(numerator / divisor, x);
  }

  /// 1 / (1 + exp(-x)).
  [[gnu::always_inline]] static constexpr V sigmoid(V x) {
    const V e = exp_nonpositive(-abs(x));  // no more than 1
    return (x < 0.0F ? e : set(1.0F)) / (e + 1.0F);
  }

  /// Below 59/64 by an odd polynomial, from there on 1 - exp(q(x)), where q approximates the
  /// logarithm of the complement.
  [[gnu::always_inline]] static constexpr V erf(V x) {
    const V magnitude = abs(x);
    const V square = x * x;
    const V p = polynomial(square, -0.0005994505F, 0.004994038F, -0.026767349F, 0.112818435F,
                           -0.37612498F, 0.12837915F);
    const V small = magnitude * p + magnitude;
    const V a = at_most(magnitude, 3.92F);  // from there on it is 1
    const V q = polynomial(a, 0.00019572565F, -0.0030411296F, 0.022218553F, -0.10391416F,
                           -0.6372022F, -1.1276637F, -0.00019856355F);
    const PowerOfE e = split(q);
    const V large = 1.0F - (e.tail + 1.0F) * power_of_two(e.exponent);
    return with_sign_of(magnitude < 0.921875F ? small : large, x);
  }

  /// The normal distribution at x, and its density there, but for the factor 1 / sqrt(2 pi).
  struct Normal {
    V distribution;
    V density;
  };
  /// What is beyond |x| is exp(-x^2 / 2) times a function that varies little, 1 / 2 - |x| t q(t)
  /// with t = 1 / (1 + c |x|). Errors are some 2^-24, and those of what is far out, relative to it,
  /// up to 2^-12. The density is 0 where it is below the smallest normal number.
  [[gnu::always_inline]] static constexpr Normal normal(V x) {
    constexpr float kLowest = -126.0F;
    // 2^u, without the care for the last digits of u that exp() takes: they are lost in x^2.
    const V u = at_least((x * -0.721347520F) * x, kLowest);
    const V shifted = u + kMagic;
    const V f = u - (shifted - kMagic);
    const V p =
        polynomial(f, 0.00132695376F, 0.00967129227F, 0.0555071086F, 0.240222469F, 0.693147004F);
    const V power = power_of_two(bits(shifted) - bits(set(kMagic)));
    const V e = u <= kLowest ? set(0.0F) : (p * f) * power + power;
    const V magnitude = at_most(abs(x), 16.0F);  // from there on nothing is left
    const V t = 1.0F / (magnitude * 0.27F + 1.0F);
    const V q = polynomial(t, -0.0365872867F, 0.119469754F, -0.0318528414F, 0.115671039F,
                           0.0962470099F, 0.135994405F);
    const V beyond = e * (0.5F - (magnitude * t) * q);
    return {x < 0.0F ? beyond : 1.0F - beyond, e};
  }

 private:
  static constexpr std::int32_t kAllButSign = 0x7FFFFFFF;
  // 1.5 * 2^23: adding it rounds to an integer and leaves that in the low bits.
  static constexpr float kMagic = 12582912.0F;
  // Beyond these exp is 0 or infinite.
  static constexpr float kExpLow = -104.0F;
  static constexpr float kExpHigh = 89.0F;
  // ln 2 in two parts (Cody and Waite 1980): a multiple of the first is exact.
  static constexpr float kLn2High = 0.693359375F;
  static constexpr float kLn2Low = -2.12194440e-4F;

  // Of a magnitude that is not negative.
  [[gnu::always_inline]] static constexpr V with_sign_of(V magnitude, V sign) {
    return value(bits(magnitude) | (bits(sign) & ~kAllButSign));
  }

  // From the highest power down. Pairs of neighbours are added up first, then pairs of those
  // (Estrin 1960): fewer operations wait for each other than by Horner's rule.
  template <typename... Coefficients>
  [[gnu::always_inline]] static constexpr V polynomial(V x, Coefficients... coefficients) {
    const V terms[] = {set(coefficients)...};
    return sum_of_powers<sizeof...(coefficients)>(x, terms);
  }
  template <int Count>
  [[gnu::always_inline]] static constexpr V sum_of_powers(V x, const V (&terms)[Count]) {
    if constexpr (Count == 1) {
      return terms[0];
    } else {
      constexpr int kOdd = Count % 2;
      V pairs[Count / 2 + kOdd];
      if constexpr (kOdd != 0) pairs[0] = terms[0];
      for (int i = kOdd; i < Count / 2 + kOdd; ++i) {
        pairs[i] = terms[2 * i - kOdd] * x + terms[2 * i - kOdd + 1];
      }
      return sum_of_powers<Count / 2 + kOdd>(x * x, pairs);
    }
  }

  // 2^exponent for -127 < exponent < 128; straight into the exponent field.
  [[gnu::always_inline]] static constexpr V power_of_two(I exponent) {
    return value((exponent + 127) << 23);
  }

  // e^x = (1 + tail) 2^exponent.
  struct PowerOfE {
    V tail;
    I exponent;
  };
  // x = n ln 2 + r with |r| <= ln 2 / 2, and e^r by a polynomial. Of NaN the tail is NaN.
  [[gnu::always_inline]] static constexpr PowerOfE split(V x) {
    const V shifted = x * 1.44269504F + kMagic;
    const V n = shifted - kMagic;
    const V r = (x - n * kLn2High) - n * kLn2Low;
    const V p =
        polynomial(r, 0.00138189388F, 0.00836870354F, 0.0416682884F, 0.166665211F, 0.49999994F);
    return {p * (r * r) + r, bits(shifted) - bits(set(kMagic))};
  }

  [[gnu::always_inline]] static constexpr V exp_in_range(V x) {
    const PowerOfE e = split(x);
    // In two steps, since 2^exponent need not be a normal number; the second one rounds.
    const I half = e.exponent >> 1;
    const V power = power_of_two(half);
    return (e.tail * power + power) * power_of_two(e.exponent - half);
  }

  // |x| = (1 + fraction) 2^exponent with 1 + fraction in [sqrt(1/2), sqrt(2)), for normal numbers.
  struct Logarithm {
    V fraction;
    I exponent;
  };
  [[gnu::always_inline]] static constexpr Logarithm split_log(V x) {
    const I root = bits(set(0.707106769F));
    const I above = (bits(x) & kAllButSign) - root;
    return {value((above & 0x007FFFFF) + root) - 1.0F, above >> 23};
  }
  // log((1 + f) 2^exponent).
  [[gnu::always_inline]] static constexpr V log_of(V f, I exponent) {
    const V square = f * f;
    const V n = convert(exponent);
    const V p = polynomial(f, -0.0763575062F, 0.127618611F, -0.131596833F, 0.142016277F,
                           -0.166234076F, 0.200012401F, -0.250008196F, 0.333333313F);
    V tail = p * (f * square) + n * kLn2Low;
    tail = tail - 0.5F * square;
    return (f + tail) + n * kLn2High;
  }
  // `result` is log(x); where there is none or it is infinite, what it should be. `argument` is
  // infinite or NaN where x is.
  [[gnu::always_inline]] static constexpr V log_at_ends(V x, V argument, V result) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
    const V none = set(kNaN);
    const V finite = x < kInfinity ? result : argument;
    const V at_zero = x == 0.0F ? set(-kInfinity) : none;
    return x <= 0.0F ? at_zero : finite;
  }
};

}  // namespace wick::formulas
