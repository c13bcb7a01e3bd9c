// SPDX-License-Identifier: MIT
// From the backend's arguments to the tasks of products of bfloat16.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernels/cpu/amx/pairs_table.h"
#include "wick/core/backend/matrix.h"

namespace wick::cpu {

inline const std::uint16_t* bits_of(const void* data) {
  return static_cast<const std::uint16_t*>(data);
}

inline PairsTask make_pairs_task(const MatmulArgs& args) {
  PairsTask task{};
  task.left = {bits_of(args.a.data), args.a.stride, !args.transpose_a};
  task.right = {bits_of(args.b.data), args.b.stride, args.transpose_b};
  task.rows = args.c.rows;
  task.cols = args.c.cols;
  task.depth = args.transpose_a ? args.a.rows : args.a.cols;
  task.narrow = args.dtype == DType::bfloat16;
  task.c = args.c.data;
  task.c_row = args.c.stride;
  task.accumulate = args.accumulate;
  task.relu = args.relu;
  task.bias = args.bias;
  task.relu_mask = args.relu_mask.data;
  task.mask_row = args.relu_mask.stride;
  return task;
}

inline const void* advance(const void* data, std::int64_t elements, bool narrow) {
  const std::int64_t size = narrow ? 2 : 4;
  return data == nullptr ? nullptr : static_cast<const std::byte*>(data) + elements * size;
}

/// Rows [first, last) of C (`of_rows`), or columns.
inline PairsTask part_of(PairsTask task, bool of_rows, std::int64_t first, std::int64_t last) {
  const bool of_left = of_rows != task.transpose_c;
  PairsOperand& operand = of_left ? task.left : task.right;
  operand.data = operand.at(first, 0);
  (of_left ? task.rows : task.cols) = last - first;
  task.c = const_cast<void*>(advance(task.c, first * (of_rows ? task.c_row : 1), task.narrow));
  task.relu_mask = advance(task.relu_mask, first * (of_rows ? task.mask_row : 1), task.narrow);
  if (!of_rows) task.bias = advance(task.bias, first, task.narrow);
  return task;
}

/// The same product with the operands' sides changed, and C transposed.
inline void swap_sides(PairsTask& task) {
  std::swap(task.left, task.right);
  std::swap(task.rows, task.cols);
  task.transpose_c = !task.transpose_c;
}

}  // namespace wick::cpu
