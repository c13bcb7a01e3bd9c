// SPDX-License-Identifier: MIT
// The kernels that walk over memory once, for one instruction set.
#include <cstddef>
#include <utility>

#include "kernels/cpu/simd/elementwise_table.h"
#include "kernels/cpu/simd/this_isa.h"
#include "kernels/cpu/simd/unary.h"

namespace wick::cpu {

template <typename T, typename Isa, std::size_t... I>
void add_unary(ElementwiseTable<T>& table, std::index_sequence<I...> /*all*/) {
  ((table.unary[I] = unary<T, Isa, static_cast<UnaryOp>(I)>), ...);
  ((table.unary_backward[I] = unary_backward<T, Isa, static_cast<UnaryOp>(I)>), ...);
}

template <typename T, typename Isa>
ElementwiseTable<T> elementwise_table() {
  ElementwiseTable<T> table{};
  add_unary<T, Isa>(table, std::make_index_sequence<kUnaryOpCount>{});
  return table;
}

template ElementwiseTable<float> elementwise_table<float, ThisIsa>();
template ElementwiseTable<double> elementwise_table<double, ThisIsa>();

}  // namespace wick::cpu
