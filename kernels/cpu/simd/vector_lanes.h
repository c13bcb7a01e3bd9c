// SPDX-License-Identifier: MIT
// Vectors as the lanes that formulas are written over: see kernels/formulas/lanes.h.
#pragma once

#include "kernels/cpu/simd/vector.h"
#include "kernels/formulas/float32_math.h"
#include "kernels/formulas/library_math.h"

namespace wick::cpu {

/// A vector of float32.
template <typename Isa>
struct VectorLanes {
  using Scalar = float;
  using Value = Vector<float, Isa>;
  using Bits = typename IntVectorOf<Isa>::Type;

  [[gnu::always_inline]] static Value set(float value) { return broadcast<float, Isa>(value); }
  [[gnu::always_inline]] static Bits set_bits(std::int32_t value) { return value + Bits{}; }
  [[gnu::always_inline]] static Bits bits(Value value) { return reinterpret_cast<Bits>(value); }
  [[gnu::always_inline]] static Value value(Bits bits) { return reinterpret_cast<Value>(bits); }
  [[gnu::always_inline]] static Value convert(Bits integers) {
    return __builtin_convertvector(integers, Value);
  }
  [[gnu::always_inline]] static Value at_most(Value value, float bound) {
    return smaller<float, Isa>(set(bound), value);
  }
  [[gnu::always_inline]] static Value at_least(Value value, float bound) {
    return larger<float, Isa>(set(bound), value);
  }
};

/// What formulas compute with: vectors of float32, one float64 at a time.
template <typename T, typename Isa>
struct MathOf {
  using Type = formulas::Float32Math<VectorLanes<Isa>>;
};
template <typename Isa>
struct MathOf<double, Isa> {
  using Type = formulas::LibraryMath<double>;
};
template <typename T, typename Isa>
using Math = typename MathOf<T, Isa>::Type;

}  // namespace wick::cpu
