// SPDX-License-Identifier: MIT
// The kernels over the rows of a matrix, for one instruction set.
#include "kernels/cpu/simd/rows.h"

#include "kernels/cpu/simd/cross_entropy.h"
#include "kernels/cpu/simd/prelu.h"
#include "kernels/cpu/simd/softmax.h"
#include "kernels/cpu/simd/this_isa.h"

namespace wick::cpu {

template <typename T, typename Isa>
RowsTable<T> rows_table() {
  return {column_sums<T, Isa>, cross_entropy<T, Isa>, nll_loss<T, Isa>, affine_u8<T, Isa>,
          affine<T, Isa>,      softmax<T, Isa>,       add_row<T, Isa>,  prelu<T, Isa>};
}

template RowsTable<float> rows_table<float, ThisIsa>();
template RowsTable<double> rows_table<double, ThisIsa>();

}  // namespace wick::cpu
