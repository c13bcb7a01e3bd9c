// SPDX-License-Identifier: MIT
// The losses that are sums over elements, for one instruction set.
#include "kernels/cpu/simd/loss.h"

#include <cstddef>
#include <utility>

#include "kernels/cpu/simd/this_isa.h"

namespace wick::cpu {

template <typename T, typename Isa, std::size_t... I>
void add_losses(LossTable<T>& table, std::index_sequence<I...> /*all*/) {
  ((table.pointwise_loss[I] = pointwise_loss<T, Isa, static_cast<LossOp>(I)>), ...);
}

template <typename T, typename Isa>
LossTable<T> loss_table() {
  LossTable<T> table{};
  add_losses<T, Isa>(table, std::make_index_sequence<kLossOpCount>{});
  return table;
}

template LossTable<float> loss_table<float, ThisIsa>();
template LossTable<double> loss_table<double, ThisIsa>();

}  // namespace wick::cpu
