// SPDX-License-Identifier: MIT
// Loops that are written out at compile time. A pragma leaves the unrolling to a late pass of the
// compiler, after it has decided which arrays can live in registers; constant indices let it see
// that accumulators can.
#pragma once

#include <utility>

namespace wick::cpu {

template <int I>
struct Index {
  static constexpr int value = I;
  [[gnu::always_inline]] constexpr operator int() const { return I; }  // NOLINT(*-explicit-*)
};

template <typename Body, int... I>
[[gnu::always_inline]] inline void unroll(const Body& body,
                                          std::integer_sequence<int, I...> /*indices*/) {
  (body(Index<I>{}), ...);
}

/// body(Index<0>{}), body(Index<1>{}), ..., body(Index<Count - 1>{}).
template <int Count, typename Body>
[[gnu::always_inline]] inline void unroll(const Body& body) {
  unroll(body, std::make_integer_sequence<int, Count>{});
}

}  // namespace wick::cpu
