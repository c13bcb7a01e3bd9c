// SPDX-License-Identifier: MIT
// The steps of recurrent layers, for one instruction set.
#include "kernels/cpu/simd/cell.h"

#include <cstddef>
#include <utility>

#include "kernels/cpu/simd/this_isa.h"

namespace wick::cpu {

template <typename T, typename Isa, std::size_t... I>
void add_cells(CellTable<T>& table, std::index_sequence<I...> /*all*/) {
  ((table.cell[I] = cell<T, Isa, static_cast<CellOp>(I)>), ...);
  ((table.cell_backward[I] = cell_backward<T, Isa, static_cast<CellOp>(I)>), ...);
}

template <typename T, typename Isa>
CellTable<T> cell_table() {
  CellTable<T> table{};
  add_cells<T, Isa>(table, std::make_index_sequence<kCellOpCount>{});
  return table;
}

template CellTable<float> cell_table<float, ThisIsa>();
template CellTable<double> cell_table<double, ThisIsa>();

}  // namespace wick::cpu
