// SPDX-License-Identifier: MIT
// How a kernel says that a label or an index is out of range.
#pragma once

#include "kernels/cuda/launch.cuh"

namespace wick::cuda {

/// Keeps the first operation's lowest row, whatever the order in which threads report.
__device__ inline void report_out_of_range(ErrorFlag* flag, CheckedOperation operation,
                                           std::int64_t row, std::int64_t value,
                                           std::int64_t limit) {
  while (atomicCAS(&flag->lock, 0, 1) != 0) {
  }
  __threadfence();
  volatile ErrorFlag* const shared = flag;  // other blocks write it
  const CheckedOperation known = shared->operation;
  if (known == CheckedOperation::none || (known == operation && row < shared->row)) {
    shared->operation = operation;
    shared->row = row;
    shared->value = value;
    shared->limit = limit;
  }
  __threadfence();
  atomicExch(&flag->lock, 0);
}

}  // namespace wick::cuda
