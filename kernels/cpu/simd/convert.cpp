// SPDX-License-Identifier: MIT
// Conversions between float32 and bfloat16, for one instruction set.
#include "kernels/cpu/simd/convert.h"

#include "kernels/cpu/simd/finish_rows.h"
#include "kernels/cpu/simd/this_isa.h"

namespace wick::cpu {

template <typename T, typename Isa>
ConvertTable<T> convert_table() {
  if constexpr (sizeof(T) == sizeof(float)) {
    return {widen_all<Isa>, round_all<Isa>, finish_rows<Isa>};
  } else {
    return {};
  }
}

template ConvertTable<float> convert_table<float, ThisIsa>();
template ConvertTable<double> convert_table<double, ThisIsa>();

}  // namespace wick::cpu
