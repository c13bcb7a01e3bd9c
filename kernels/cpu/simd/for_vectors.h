// SPDX-License-Identifier: MIT
// Loops over memory in whole vectors and a rest.
#pragma once

#include "kernels/cpu/simd/vector.h"

namespace wick::cpu {

/// A vector, or its first elements if there are no more (`Whole` is false).
template <typename T, typename Isa, bool Whole>
[[gnu::always_inline]] inline Vector<T, Isa> load_some(const T* from, int count) {
  return Whole ? load<T, Isa>(from) : load_first<T, Isa>(from, count);
}
template <typename T, typename Isa, bool Whole>
[[gnu::always_inline]] inline void store_some(T* to, Vector<T, Isa> value, int count) {
  Whole ? store<T, Isa>(to, value) : store_first<T, Isa>(to, value, count);
}

/// Calls update<Whole>(i, count) for the elements from i on that fill a vector, and for the rest.
template <typename T, typename Isa, typename Update>
[[gnu::always_inline]] inline void for_vectors(std::int64_t count, const Update& update) {
  constexpr int kWide = kLanes<T, Isa>;
  std::int64_t i = 0;
  for (; i + kWide <= count; i += kWide) update.template operator()<true>(i, kWide);
  if (i < count) update.template operator()<false>(i, static_cast<int>(count - i));
}

}  // namespace wick::cpu
