// SPDX-License-Identifier: MIT
// Matrix products of bfloat16 operands.
#pragma once

#include "wick/core/backend.h"
#include "wick/core/backend/matrix.h"

namespace wick::cpu {

/// Backend::matmul for operands of bfloat16, by a product of `backend` in float32. Float32 holds
/// every bfloat16 and every product of two, so that only the sums are rounded, as in hardware that
/// multiplies bfloat16. Its scratch is the thread's, kept from call to call.
void matmul_bfloat16(const MatmulArgs& args, Backend& backend);

}  // namespace wick::cpu
