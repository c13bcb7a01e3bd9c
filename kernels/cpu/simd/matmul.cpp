// SPDX-License-Identifier: MIT
// The products of float32 matrices, for one instruction set.
#include "kernels/cpu/simd/matmul.h"

#include "kernels/cpu/simd/this_isa.h"

namespace wick::cpu {

template <typename T, typename Isa>
MatmulTable<T> matmul_table() {
  if constexpr (sizeof(T) == sizeof(float)) {
    return {plan_matmul<T, Isa>, matmul_workspace<T, Isa>, matmul<T, Isa>, packed_size<T, Isa>,
            pack<T, Isa>};
  } else {
    return {};
  }
}

template MatmulTable<float> matmul_table<float, ThisIsa>();
template MatmulTable<double> matmul_table<double, ThisIsa>();

}  // namespace wick::cpu
