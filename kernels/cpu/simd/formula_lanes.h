// SPDX-License-Identifier: MIT
// What a formula takes at a time: vectors of float32, one float64.
#pragma once

#include "kernels/cpu/simd/for_vectors.h"
#include "kernels/cpu/simd/vector_lanes.h"

namespace wick::cpu {

template <typename T, typename Isa>
struct FormulaLanes {
  using V = typename Math<T, Isa>::V;
  static constexpr bool kVectors = sizeof(T) == sizeof(float);

  template <bool Whole>
  [[gnu::always_inline]] static V load(const T* from, int count) {
    if constexpr (kVectors) {
      return load_some<T, Isa, Whole>(from, count);
    } else {
      return *from;
    }
  }
  template <bool Whole>
  [[gnu::always_inline]] static void store(T* to, V value, int count) {
    if constexpr (kVectors) {
      store_some<T, Isa, Whole>(to, value, count);
    } else {
      *to = value;
    }
  }
  /// Calls work<Whole>(i, count) for all of `count` elements.
  template <typename Work>
  [[gnu::always_inline]] static void for_all(std::int64_t count, const Work& work) {
    if constexpr (kVectors) {
      for_vectors<T, Isa>(count, work);
    } else {
      for (std::int64_t i = 0; i < count; ++i) work.template operator()<true>(i, 1);
    }
  }
};

}  // namespace wick::cpu
