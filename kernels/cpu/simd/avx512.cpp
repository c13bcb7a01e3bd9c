// SPDX-License-Identifier: MIT
// The kernels compiled for AVX-512.
#include "kernels/cpu/simd/levels.h"
#include "kernels/cpu/simd/make_table.h"

namespace wick::cpu {

extern constinit const KernelTable<float> kAvx512Float = make_table<float, Avx512>("avx512");
extern constinit const KernelTable<double> kAvx512Double = make_table<double, Avx512>("avx512");

}  // namespace wick::cpu
