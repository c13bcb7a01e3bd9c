// SPDX-License-Identifier: MIT
// Tells a run that has diverged from one that can go on.
#pragma once

#include <string>

#include "tools/cli/run_state.h"

namespace wick::tools {

/// "NAME has 3 of 320 values that are not finite" of a float32 tensor; empty where all are.
[[nodiscard]] std::string describe_not_finite(const std::string& name, const Tensor& tensor);

/// What of the run's weights, or of its optimizer's state, is infinite or NaN, as in
/// "layer1.weight has 3 of 320 values that are not finite". Empty where all is finite, which a run
/// needs to be in order to go on.
[[nodiscard]] std::string find_divergence(const RunState& run);

}  // namespace wick::tools
