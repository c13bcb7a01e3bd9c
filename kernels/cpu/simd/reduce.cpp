// SPDX-License-Identifier: MIT
// The kernels of reductions, for one instruction set.
#include "kernels/cpu/simd/reduce.h"

#include "kernels/cpu/simd/this_isa.h"

namespace wick::cpu {

template <typename T, typename Isa>
ReduceTable<T> reduce_table() {
  return {sum_run<T, Isa>,
          sum_rows<T, Isa>,
          extreme_run<T, Isa, false>,
          extreme_run<T, Isa, true>,
          extreme_rows<T, Isa, false>,
          extreme_rows<T, Isa, true>};
}

template ReduceTable<float> reduce_table<float, ThisIsa>();
template ReduceTable<double> reduce_table<double, ThisIsa>();

}  // namespace wick::cpu
