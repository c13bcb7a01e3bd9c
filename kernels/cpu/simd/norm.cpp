// SPDX-License-Identifier: MIT
// Normalisation, for one instruction set.
#include "kernels/cpu/simd/norm.h"

#include "kernels/cpu/simd/this_isa.h"

namespace wick::cpu {

template <typename T, typename Isa>
NormTable<T> norm_table() {
  return {norm_sums<T, Isa>,
          norm_row<T, Isa>,
          norm_grad_sums<T, Isa>,
          norm_row_grad<T, Isa>,
          norm_column_sums<T, Isa>,
          norm_columns<T, Isa>,
          norm_column_grad_sums<T, Isa>,
          norm_columns_grad<T, Isa>};
}

template NormTable<float> norm_table<float, ThisIsa>();
template NormTable<double> norm_table<double, ThisIsa>();

}  // namespace wick::cpu
