// SPDX-License-Identifier: MIT
#include "tests/kernels/math_functions.h"

namespace wick::testing {

extern constinit const MathFunctions kAvx512Math =
    math_functions<cpu::VectorLanes<cpu::Avx512>>("avx512");

}  // namespace wick::testing
