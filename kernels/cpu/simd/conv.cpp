// SPDX-License-Identifier: MIT
// Convolutions, for one instruction set.
#include "kernels/cpu/simd/conv.h"

#include "kernels/cpu/simd/this_isa.h"

namespace wick::cpu {

template <typename T, typename Isa>
ConvTable<T> conv_table() {
  return {pack_patches<T, Isa>, direct_conv<T, Isa>, direct_weight<T, Isa>,
          copy_one_stretch<T, Isa>, kPanelCols<T, Isa>};
}

template ConvTable<float> conv_table<float, ThisIsa>();
template ConvTable<double> conv_table<double, ThisIsa>();

}  // namespace wick::cpu
