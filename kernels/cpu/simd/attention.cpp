// SPDX-License-Identifier: MIT
// Blocks of attention scores, for one instruction set.
#include "kernels/cpu/simd/attention.h"

#include "kernels/cpu/simd/this_isa.h"

namespace wick::cpu {

template <typename T, typename Isa>
AttentionTable<T> attention_table() {
  return {attention<T, Isa>, attention_grad<T, Isa>};
}

template AttentionTable<float> attention_table<float, ThisIsa>();
template AttentionTable<double> attention_table<double, ThisIsa>();

}  // namespace wick::cpu
