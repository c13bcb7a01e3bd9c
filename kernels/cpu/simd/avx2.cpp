// SPDX-License-Identifier: MIT
// The kernels compiled for AVX2 with FMA.
#include "kernels/cpu/simd/levels.h"
#include "kernels/cpu/simd/make_table.h"

namespace wick::cpu {

extern constinit const KernelTable<float> kAvx2Float = make_table<float, Avx2>("avx2");
extern constinit const KernelTable<double> kAvx2Double = make_table<double, Avx2>("avx2");

}  // namespace wick::cpu
