// SPDX-License-Identifier: MIT
#include "tests/kernels/math_functions.h"

namespace wick::testing {

extern constinit const MathFunctions kBaselineMath =
    math_functions<cpu::VectorLanes<cpu::Baseline>>("baseline");
extern constinit const MathFunctions kScalarMath = math_functions<formulas::ScalarLanes>("scalars");

}  // namespace wick::testing
