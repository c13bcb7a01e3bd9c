// SPDX-License-Identifier: MIT
// The reductions of a vector, for one instruction set.
#include "kernels/cpu/simd/reduce.h"

#include <cstddef>
#include <utility>

#include "kernels/cpu/simd/this_isa.h"

namespace wick::cpu {

template <typename T, typename Isa, std::size_t... I>
void add_reductions(ReduceTable<T>& table, std::index_sequence<I...> /*all*/) {
  ((table.reduce[I] = reduce<T, Isa, static_cast<ReduceOp>(I)>), ...);
}

template <typename T, typename Isa>
ReduceTable<T> reduce_table() {
  ReduceTable<T> table{};
  add_reductions<T, Isa>(table, std::make_index_sequence<kReduceOpCount>{});
  table.scale = scale<T, Isa>;
  return table;
}

template ReduceTable<float> reduce_table<float, ThisIsa>();
template ReduceTable<double> reduce_table<double, ThisIsa>();

}  // namespace wick::cpu
