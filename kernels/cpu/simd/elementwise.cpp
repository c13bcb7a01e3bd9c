// SPDX-License-Identifier: MIT
// The kernels that walk over memory once, for one instruction set.
#include "kernels/cpu/simd/elementwise.h"

#include <cstddef>
#include <utility>

#include "kernels/cpu/simd/this_isa.h"
#include "kernels/cpu/simd/unary.h"

namespace wick::cpu {

template <typename T, typename Isa, std::size_t... I>
void add_unary(ElementwiseTable<T>& table, std::index_sequence<I...> /*all*/) {
  ((table.unary[I] = unary<T, Isa, static_cast<UnaryOp>(I)>), ...);
  ((table.unary_backward[I] = unary_backward<T, Isa, static_cast<UnaryOp>(I)>), ...);
}

template <typename T, typename Isa, std::size_t... I>
void add_binary(ElementwiseTable<T>& table, std::index_sequence<I...> /*all*/) {
  ((table.binary[I] = binary<T, Isa, static_cast<BinaryOp>(I)>), ...);
}

template <typename T, typename Isa>
ElementwiseTable<T> elementwise_table() {
  ElementwiseTable<T> table{};
  add_binary<T, Isa>(table, std::make_index_sequence<kBinaryOpCount>{});
  add_unary<T, Isa>(table, std::make_index_sequence<kUnaryOpCount>{});
  return table;
}

template ElementwiseTable<float> elementwise_table<float, ThisIsa>();
template ElementwiseTable<double> elementwise_table<double, ThisIsa>();

}  // namespace wick::cpu
