// SPDX-License-Identifier: MIT
// Backend::matmul as one product of a BLAS, with kernels behind it for what the BLAS leaves.
#pragma once

#include "kernels/cuda/blas.h"
#include "wick/core/backend.h"
#include "wick/core/backend/matrix.h"

namespace wick::cuda {

void matmul(const MatmulArgs& args, bool tf32, Blas& blas, StreamState& stream);

}  // namespace wick::cuda
