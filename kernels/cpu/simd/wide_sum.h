// SPDX-License-Identifier: MIT
// Sums in float64 of vectors of any type.
#pragma once

#include "kernels/cpu/simd/vector.h"

namespace wick::cpu {

/// Adds up vectors in float64.
template <typename T, typename Isa>
struct WideSum {
  static constexpr bool kFloat = sizeof(T) == sizeof(float);
  using Wide = Vector<double, Isa>;
  Wide low{};
  Wide high{};  // of the second half of a vector of float32

  [[gnu::always_inline]] static Wide first(Vector<T, Isa> value) {
    if constexpr (kFloat) {
      return __builtin_convertvector((half_of<T, Isa, false>(value)), Wide);
    } else {
      return value;
    }
  }
  [[gnu::always_inline]] static Wide second(Vector<T, Isa> value) {
    return __builtin_convertvector((half_of<T, Isa, true>(value)), Wide);
  }
  [[gnu::always_inline]] void add(Vector<T, Isa> value) {
    low += first(value);
    if constexpr (kFloat) high += second(value);
  }
  [[gnu::always_inline]] void add_product(Vector<T, Isa> a, Vector<T, Isa> b) {
    low += first(a) * first(b);
    if constexpr (kFloat) high += second(a) * second(b);
  }
  /// The same, with sums from `sums` on that are kept there, one for each lane.
  [[gnu::always_inline]] static void add_product_to(double* sums, Vector<T, Isa> a,
                                                    Vector<T, Isa> b) {
    store<double, Isa>(sums, load<double, Isa>(sums) + first(a) * first(b));
    if constexpr (kFloat) {
      double* const rest = sums + kLanes<double, Isa>;
      store<double, Isa>(rest, load<double, Isa>(rest) + second(a) * second(b));
    }
  }
  [[gnu::always_inline]] double total() const {
    const Wide both = low + high;
    return reduce<double, Isa>(both, [](auto a, auto b) { return a + b; });
  }
  /// Adds the sum of each lane to sums[0], sums[1] ...
  [[gnu::always_inline]] void add_to(double* sums, int count) const {
    for (int i = 0; i < kLanes<double, Isa>; ++i) {
      if (i < count) sums[i] += low[i];
    }
    if constexpr (kFloat) {
      for (int i = 0; i < kLanes<double, Isa>; ++i) {
        if (kLanes<double, Isa> + i < count) sums[kLanes<double, Isa> + i] += high[i];
      }
    }
  }
};

}  // namespace wick::cpu
