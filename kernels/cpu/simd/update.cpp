// SPDX-License-Identifier: MIT
// The optimizers' updates, for one instruction set.
#include "kernels/cpu/simd/update.h"

#include "kernels/cpu/simd/this_isa.h"

namespace wick::cpu {

template <typename T, typename Isa>
UpdateTable<T> update_table() {
  return {sgd<T, Isa>, adam<T, Isa>};
}

template UpdateTable<float> update_table<float, ThisIsa>();
template UpdateTable<double> update_table<double, ThisIsa>();

}  // namespace wick::cpu
