// SPDX-License-Identifier: MIT
// The kernels of arithmetic between tensors, for one instruction set.
#include "kernels/cpu/simd/arithmetic.h"

#include <cstddef>
#include <utility>

#include "kernels/cpu/simd/this_isa.h"

namespace wick::cpu {

template <typename T, typename Isa, std::size_t... I>
void add_binary(ArithmeticTable<T>& table, std::index_sequence<I...> /*all*/) {
  ((table.binary[I] = binary_row<T, Isa, static_cast<BinaryOp>(I)>), ...);
}

template <typename T, typename Isa>
ArithmeticTable<T> arithmetic_table() {
  ArithmeticTable<T> table{};
  add_binary<T, Isa>(table, std::make_index_sequence<kBinaryOpCount>{});
  table.lerp = ternary_row<T, Isa, TernaryOp::lerp>;
  table.clamp = ternary_row<T, Isa, TernaryOp::clamp>;
  return table;
}

template ArithmeticTable<float> arithmetic_table<float, ThisIsa>();
template ArithmeticTable<double> arithmetic_table<double, ThisIsa>();

}  // namespace wick::cpu
