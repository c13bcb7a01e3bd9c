// SPDX-License-Identifier: MIT
// The kernels beside random numbers, for one instruction set.
#include "kernels/cpu/simd/random.h"

#include "kernels/cpu/simd/this_isa.h"

namespace wick::cpu {

template <typename T, typename Isa>
RandomTable<T> random_table() {
  return {masked_scale<T, Isa>};
}

template RandomTable<float> random_table<float, ThisIsa>();
template RandomTable<double> random_table<double, ThisIsa>();

}  // namespace wick::cpu
