// SPDX-License-Identifier: MIT
#include "tests/kernels/math_functions.h"

namespace wick::testing {

extern constinit const MathFunctions kAvx2Math =
    math_functions<cpu::VectorLanes<cpu::Avx2>>("avx2");
// As a GPU computes: one number at a time, with fused multiply-adds.
extern constinit const MathFunctions kScalarFmaMath =
    math_functions<formulas::ScalarLanes>("scalars with fused multiply-adds");

}  // namespace wick::testing
