// SPDX-License-Identifier: MIT
// Products of bfloat16 by AVX512-BF16.
#include "kernels/cpu/amx/dot_engine.h"

namespace wick::cpu {

template <>
PairsTable pairs_table<Avx512Bf16>() {
  return {pairs_workspace<Avx512Bf16>, multiply_pairs<DotEngine<Avx512Bf16>, Avx512Bf16>, nullptr};
}

}  // namespace wick::cpu
