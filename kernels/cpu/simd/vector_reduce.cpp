// SPDX-License-Identifier: MIT
// The reductions of a vector, for one instruction set.
#include "kernels/cpu/simd/vector_reduce.h"

#include <cstddef>
#include <utility>

#include "kernels/cpu/simd/this_isa.h"

namespace wick::cpu {

template <typename T, typename Isa, std::size_t... I>
void add_reductions(VectorReduceTable<T>& table, std::index_sequence<I...> /*all*/) {
  ((table.vector_reduce[I] = vector_reduce<T, Isa, static_cast<VectorReduceOp>(I)>), ...);
}

template <typename T, typename Isa>
VectorReduceTable<T> vector_reduce_table() {
  VectorReduceTable<T> table{};
  add_reductions<T, Isa>(table, std::make_index_sequence<kVectorReduceOpCount>{});
  table.scale = scale<T, Isa>;
  return table;
}

template VectorReduceTable<float> vector_reduce_table<float, ThisIsa>();
template VectorReduceTable<double> vector_reduce_table<double, ThisIsa>();

}  // namespace wick::cpu
