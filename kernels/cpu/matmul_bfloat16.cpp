// SPDX-License-Identifier: MIT
#include "kernels/cpu/matmul_bfloat16.h"

#include "kernels/cpu/workspace.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/float_types.h"

namespace wick::cpu {
namespace {

struct WideOperands {};  // a purpose of its own: the product uses a workspace, too

// How many elements a matrix without gaps takes up, its end rounded up to 64 bytes.
std::int64_t room_for(std::int64_t rows, std::int64_t cols) {
  constexpr std::int64_t kUnit = 16;
  return (rows * cols + kUnit - 1) / kUnit * kUnit;
}

void widen(const ConstMatrixRef& from, float* to) {
  const auto* row = static_cast<const bfloat16*>(from.data);
  for (std::int64_t r = 0; r < from.rows; ++r, row += from.stride, to += from.cols) {
    for (std::int64_t c = 0; c < from.cols; ++c) to[c] = to_float(row[c]);
  }
}

void narrow(const float* from, const MatrixRef& to) {
  auto* row = static_cast<bfloat16*>(to.data);
  for (std::int64_t r = 0; r < to.rows; ++r, row += to.stride, from += to.cols) {
    for (std::int64_t c = 0; c < to.cols; ++c) row[c] = from_float<bfloat16>(from[c]);
  }
}

// Matrices of float32 one behind the other in a block of scratch.
class Scratch {
 public:
  explicit Scratch(std::int64_t elements)
      : next_(thread_workspace<float, WideOperands>(elements)) {}
  MatrixRef take(std::int64_t rows, std::int64_t cols) {
    float* const data = next_;
    next_ += room_for(rows, cols);
    return {data, rows, cols, cols};
  }
  MatrixRef widened(const ConstMatrixRef& matrix) {
    const MatrixRef wide = take(matrix.rows, matrix.cols);
    widen(matrix, static_cast<float*>(wide.data));
    return wide;
  }

 private:
  float* next_;
};

// A vector as a matrix of one row.
MatrixRef row_of(void* data, std::int64_t count) {
  return {data, 1, count, count};
}

}  // namespace

void matmul_bfloat16(const MatmulArgs& args, Backend& backend) {
  const bool narrow_result = args.dtype == DType::bfloat16;
  const std::int64_t rows = args.c.rows;
  const std::int64_t cols = args.c.cols;
  std::int64_t elements = room_for(args.a.rows, args.a.cols) + room_for(args.b.rows, args.b.cols);
  if (narrow_result) elements += 2 * room_for(rows, cols) + room_for(1, cols) + room_for(1, rows);
  Scratch scratch(elements);

  MatmulArgs wide = args;
  wide.dtype = DType::float32;
  wide.operand_dtype = DType::float32;
  wide.a = scratch.widened(args.a);
  wide.b = scratch.widened(args.b);
  if (!narrow_result) return backend.matmul(wide);

  wide.c = args.accumulate ? scratch.widened(args.c) : scratch.take(rows, cols);
  if (args.bias != nullptr) wide.bias = scratch.widened({args.bias, 1, cols, cols}).data;
  if (args.relu_mask.data != nullptr) wide.relu_mask = scratch.widened(args.relu_mask);
  if (args.a_sums != nullptr) wide.a_sums = scratch.widened(row_of(args.a_sums, rows)).data;
  backend.matmul(wide);
  narrow(static_cast<const float*>(wide.c.data), args.c);
  if (args.a_sums != nullptr) {
    narrow(static_cast<const float*>(wide.a_sums), row_of(args.a_sums, rows));
  }
}

}  // namespace wick::cpu
