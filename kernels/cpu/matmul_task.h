// SPDX-License-Identifier: MIT
// From the backend's arguments to the kernels' tasks.
#pragma once

#include "kernels/cpu/simd/kernel_table.h"
#include "wick/core/backend.h"
#include "wick/core/backend/matrix.h"

namespace wick::cpu {

template <typename T>
MatmulTask<T> make_task(const MatmulArgs& args) {
  MatmulTask<T> task{};
  task.a = static_cast<const T*>(args.a.data);
  task.a_row = args.transpose_a ? 1 : args.a.stride;
  task.a_col = args.transpose_a ? args.a.stride : 1;
  task.b = static_cast<const T*>(args.b.data);
  task.b_row = args.transpose_b ? 1 : args.b.stride;
  task.b_col = args.transpose_b ? args.b.stride : 1;
  if (args.packed_b) task.b_row = task.b_col = 0;
  task.packed = args.packed_b;
  task.c = static_cast<T*>(args.c.data);
  task.c_row = args.c.stride;
  task.rows = args.c.rows;
  task.cols = args.c.cols;
  task.depth = args.transpose_a ? args.a.rows : args.a.cols;
  task.accumulate = args.accumulate;
  task.relu = args.relu;
  task.bias = static_cast<const T*>(args.bias);
  task.relu_mask = static_cast<const T*>(args.relu_mask.data);
  task.mask_row = args.relu_mask.stride;
  return task;
}

}  // namespace wick::cpu
