// SPDX-License-Identifier: MIT
// The instruction set that this file is compiled for, and with whose flags. Included by the files
// that fill the families' tables, and by nothing else.
#pragma once

#include "kernels/cpu/simd/isa.h"

#if !defined(WICK_ISA)
#error "WICK_ISA is Baseline, Avx2 or Avx512: see kernels/CMakeLists.txt"
#endif

namespace wick::cpu {

using ThisIsa = WICK_ISA;

}  // namespace wick::cpu
