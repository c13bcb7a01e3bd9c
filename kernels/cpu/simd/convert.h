// SPDX-License-Identifier: MIT
// Vectors of float32 to bfloat16 and back, by the rules of core/float_types.h. By integers: the
// processors' own instruction takes denormals for zeros.
#pragma once

#include "kernels/cpu/simd/convert_table.h"
#include "kernels/cpu/simd/vector.h"

namespace wick::cpu {

template <typename Isa>
using HalfIsa = NarrowIsa<Isa, Isa::kVectorBytes / 2>;

/// As many bfloat16 as a vector has lanes of float32.
template <typename Isa>
using Bits16 = Vector<std::uint16_t, HalfIsa<Isa>>;
template <typename Isa>
using Bits32 = Vector<std::uint32_t, Isa>;

template <typename Isa>
[[gnu::always_inline]] inline Bits16<Isa> load_bits16(const std::uint16_t* from) {
  return load<std::uint16_t, HalfIsa<Isa>>(from);
}

template <typename Isa>
[[gnu::always_inline]] inline Vector<float, Isa> widen(Bits16<Isa> bits) {
  return reinterpret_cast<Vector<float, Isa>>(__builtin_convertvector(bits, Bits32<Isa>) << 16);
}

template <typename Isa>
[[gnu::always_inline]] inline Bits16<Isa> round_to_bfloat16(Vector<float, Isa> value) {
  const auto bits = reinterpret_cast<Bits32<Isa>>(value);
  const Bits32<Isa> rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
  const Bits32<Isa> nan = Bits32<Isa>{} + 0x7FC0U;
  return __builtin_convertvector(value != value ? nan : rounded, Bits16<Isa>);
}

/// The first `count` elements, 0 < count < kLanes<float, Isa>; the others are zero.
template <typename Isa>
[[gnu::always_inline]] inline Vector<float, Isa> widen_first(const std::uint16_t* from, int count) {
  std::uint16_t lanes[kLanes<float, Isa>] = {};
  copy_overlapping<std::uint16_t, HalfIsa<Isa>, kLanes<float, Isa> / 2>(from, lanes, count);
  return widen<Isa>(load_bits16<Isa>(lanes));
}

template <typename Isa>
[[gnu::always_inline]] inline void round_first(std::uint16_t* to, Vector<float, Isa> value,
                                               int count) {
  std::uint16_t lanes[kLanes<float, Isa>];
  store<std::uint16_t, HalfIsa<Isa>>(lanes, round_to_bfloat16<Isa>(value));
  copy_overlapping<std::uint16_t, HalfIsa<Isa>, kLanes<float, Isa> / 2>(lanes, to, count);
}

template <typename Isa>
void widen_all(const std::uint16_t* from, float* to, std::int64_t count) {
  constexpr std::int64_t kWide = kLanes<float, Isa>;
  std::int64_t i = 0;
  for (; i + kWide <= count; i += kWide) {
    store<float, Isa>(to + i, widen<Isa>(load_bits16<Isa>(from + i)));
  }
  if (i < count) {
    const int rest = static_cast<int>(count - i);
    store_first<float, Isa>(to + i, widen_first<Isa>(from + i, rest), rest);
  }
}

template <typename Isa>
void round_all(const float* from, std::uint16_t* to, std::int64_t count) {
  constexpr std::int64_t kWide = kLanes<float, Isa>;
  std::int64_t i = 0;
  for (; i + kWide <= count; i += kWide) {
    store<std::uint16_t, HalfIsa<Isa>>(to + i, round_to_bfloat16<Isa>(load<float, Isa>(from + i)));
  }
  if (i < count) {
    const int rest = static_cast<int>(count - i);
    round_first<Isa>(to + i, load_first<float, Isa>(from + i, rest), rest);
  }
}

}  // namespace wick::cpu
