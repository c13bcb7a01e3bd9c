// SPDX-License-Identifier: MIT
// The optimizers' updates, for one instruction set.
#include "kernels/cpu/simd/update.h"

#include <cstddef>
#include <utility>

#include "kernels/cpu/simd/this_isa.h"

namespace wick::cpu {

template <typename T, typename Isa, std::size_t... I>
void add_updates(UpdateTable<T>& table, std::index_sequence<I...> /*all*/) {
  ((table.update[I] = update<T, Isa, static_cast<UpdateOp>(I)>), ...);
}

template <typename T, typename Isa>
UpdateTable<T> update_table() {
  UpdateTable<T> table{};
  add_updates<T, Isa>(table, std::make_index_sequence<kUpdateOpCount>{});
  return table;
}

template UpdateTable<float> update_table<float, ThisIsa>();
template UpdateTable<double> update_table<double, ThisIsa>();

}  // namespace wick::cpu
