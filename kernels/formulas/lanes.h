// SPDX-License-Identifier: MIT
// What the formulas are written over: "lanes", one number or a vector of them, for which arithmetic
// operators, comparisons and `condition ? a : b` work element by element. The vectors of the CPU's
// instruction sets are in kernels/cpu/simd/vector_lanes.h; here is one number at a time, for CUDA's
// threads.
//
// Everything here is constexpr, so that nvcc compiles it for the device (--expt-relaxed-constexpr),
// and always inlined, so that the code of one instruction set stays its own
// (kernels/cpu/simd/isa.h).
#pragma once

#include <bit>
#include <cstdint>

namespace wick::formulas {

/// One float32.
struct ScalarLanes {
  using Scalar = float;
  using Value = float;
  using Bits = std::int32_t;

  [[gnu::always_inline]] static constexpr Value set(float value) { return value; }
  [[gnu::always_inline]] static constexpr Bits set_bits(std::int32_t value) { return value; }
  [[gnu::always_inline]] static constexpr Bits bits(Value value) {
    return std::bit_cast<Bits>(value);
  }
  [[gnu::always_inline]] static constexpr Value value(Bits bits) {
    return std::bit_cast<Value>(bits);
  }
  /// Of an integer that float32 holds.
  [[gnu::always_inline]] static constexpr Value convert(Bits integer) {
    return static_cast<Value>(integer);
  }
  /// NaN stays.
  [[gnu::always_inline]] static constexpr Value at_most(Value value, float bound) {
    return value > bound ? bound : value;
  }
  [[gnu::always_inline]] static constexpr Value at_least(Value value, float bound) {
    return value < bound ? bound : value;
  }
};

}  // namespace wick::formulas
