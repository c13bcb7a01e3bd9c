// SPDX-License-Identifier: MIT
#pragma once

#include "wick/core/backend.h"
#include "wick/core/backend/matrix.h"

namespace wick::cpu {

/// Backend::matmul for float64, by Eigen: the general path, for gradient checks and references.
/// Allocates nothing.
void matmul_float64(const MatmulArgs& args);

}  // namespace wick::cpu
