// SPDX-License-Identifier: MIT
// Matrix products of bfloat16 operands, summed in float32.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/share.h"
#include "kernels/cpu/share_product.h"
#include "kernels/cpu/workspace.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/float_types.h"

namespace wick::cpu {
namespace {

struct WideOperands {};  // a purpose of its own: the product uses a workspace, too
struct PackedPairs {};
struct WideSums {};

const std::uint16_t* bits_of(const void* data) {
  return static_cast<const std::uint16_t*>(data);
}

// How many elements a matrix without gaps takes up, its end rounded up to 64 bytes.
std::int64_t room_for(std::int64_t rows, std::int64_t cols) {
  constexpr std::int64_t kUnit = 16;
  return (rows * cols + kUnit - 1) / kUnit * kUnit;
}

// Matrices of float32 one behind the other in a block of scratch.
class Scratch {
 public:
  Scratch(std::int64_t elements, const ConvertTable<float>& convert)
      : next_(thread_workspace<float, WideOperands>(elements)), convert_(&convert) {}
  MatrixRef take(std::int64_t rows, std::int64_t cols) {
    float* const data = next_;
    next_ += room_for(rows, cols);
    return {data, rows, cols, cols};
  }
  MatrixRef widened(const ConstMatrixRef& matrix) {
    const MatrixRef wide = take(matrix.rows, matrix.cols);
    for (std::int64_t r = 0; r < matrix.rows; ++r) {
      convert_->widen(bits_of(matrix.data) + r * matrix.stride,
                      static_cast<float*>(wide.data) + r * wide.stride, matrix.cols);
    }
    return wide;
  }

 private:
  float* next_;
  const ConvertTable<float>* convert_;
};

PairsTask make_pairs_task(const MatmulArgs& args) {
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
  // A right operand that lies along k is transposed pair by pair, a left one is copied. Of two that
  // lie along k the larger one is better off on the left; to transpose C costs less.
  const bool smaller_a = task.right.along_k && task.left.along_k && task.rows < task.cols;
  if (task.right.along_k && (!task.left.along_k || smaller_a)) {
    std::swap(task.left, task.right);
    std::swap(task.rows, task.cols);
    task.transpose_c = true;
  }
  return task;
}

const void* advance(const void* data, std::int64_t elements, bool narrow) {
  const std::int64_t size = narrow ? 2 : 4;
  return data == nullptr ? nullptr : static_cast<const std::byte*>(data) + elements * size;
}

// Rows [first, last) of C (`of_rows`), or columns.
PairsTask part_of(PairsTask task, bool of_rows, std::int64_t first, std::int64_t last) {
  const bool of_left = of_rows != task.transpose_c;
  PairsOperand& operand = of_left ? task.left : task.right;
  operand.data = operand.at(first, 0);
  (of_left ? task.rows : task.cols) = last - first;
  task.c = const_cast<void*>(advance(task.c, first * (of_rows ? task.c_row : 1), task.narrow));
  task.relu_mask = advance(task.relu_mask, first * (of_rows ? task.mask_row : 1), task.narrow);
  if (!of_rows) task.bias = advance(task.bias, first, task.narrow);
  return task;
}

}  // namespace

void CpuBackend::matmul_bfloat16(const MatmulArgs& args) {
  if (args.c.rows != 0 && args.c.cols != 0) {
    const PairsTable* const pairs = level_.pairs;
    if (pairs != nullptr && (pairs->permitted == nullptr || pairs->permitted())) {
      matmul_pairs(args, *pairs);
    } else {
      matmul_widened(args);
    }
  }
  if (args.a_sums != nullptr) column_sums_bfloat16(args);
}

void CpuBackend::matmul_pairs(const MatmulArgs& args, const PairsTable& kernels) {
  PairsTask task = make_pairs_task(args);
  task.block_bytes = block_elements_ * static_cast<std::int64_t>(sizeof(float));
  const auto run = [&](PairsTask part) {
    part.workspace = thread_workspace<std::byte, PackedPairs>(kernels.workspace(part));
    kernels.multiply(part);
  };
  share_product(
      *pool_, args.c.rows, args.c.cols, task.depth, false, [&] { run(task); },
      [&](std::int64_t first, std::int64_t last) { run(part_of(task, true, first, last)); },
      [&](std::int64_t first, std::int64_t last) { run(part_of(task, false, first, last)); });
}

void CpuBackend::matmul_widened(const MatmulArgs& args) {
  const bool narrow_result = args.dtype == DType::bfloat16;
  const std::int64_t rows = args.c.rows;
  const std::int64_t cols = args.c.cols;
  std::int64_t elements = room_for(args.a.rows, args.a.cols) + room_for(args.b.rows, args.b.cols);
  if (narrow_result) elements += 2 * room_for(rows, cols) + room_for(1, cols);
  Scratch scratch(elements, kernels<float>());

  MatmulArgs wide = args;
  wide.dtype = DType::float32;
  wide.operand_dtype = DType::float32;
  wide.a_sums = nullptr;
  wide.a = scratch.widened(args.a);
  wide.b = scratch.widened(args.b);
  if (!narrow_result) return matmul(wide);

  wide.c = args.accumulate ? scratch.widened(args.c) : scratch.take(rows, cols);
  if (args.bias != nullptr) wide.bias = scratch.widened({args.bias, 1, cols, cols}).data;
  if (args.relu_mask.data != nullptr) wide.relu_mask = scratch.widened(args.relu_mask);
  matmul(wide);
  for (std::int64_t r = 0; r < rows; ++r) {
    kernels<float>().round(static_cast<const float*>(wide.c.data) + r * cols,
                           static_cast<std::uint16_t*>(args.c.data) + r * args.c.stride, cols);
  }
}

// A few columns after the other, whose rows are widened a few at a time, so that they stay in the
// nearest cache. Each sum is made in the order of the rows.
void CpuBackend::column_sums_bfloat16(const MatmulArgs& args) {
  constexpr std::int64_t kCols = 256;
  constexpr std::int64_t kRows = 16;
  const KernelTable<float>& table = kernels<float>();
  const bool narrow = args.dtype == DType::bfloat16;
  const auto sum = [&](std::int64_t begin, std::int64_t end) {
    auto* const wide = thread_workspace<float, WideSums>((kRows + 1) * kCols);
    for (std::int64_t first = begin; first < end; first += kCols) {
      const std::int64_t count = std::min(kCols, end - first);
      const std::uint16_t* from = bits_of(args.a.data) + first;
      float* const sums = narrow ? wide + kRows * kCols : static_cast<float*>(args.a_sums) + first;
      auto* const rounded = static_cast<std::uint16_t*>(args.a_sums) + first;
      bool add = args.accumulate_sums;
      if (narrow && add) table.widen(rounded, sums, count);
      if (args.a.rows == 0) table.column_sums(wide, 0, count, kCols, sums, add);
      for (std::int64_t r = 0; r < args.a.rows; r += kRows, add = true) {
        const std::int64_t rows = std::min(kRows, args.a.rows - r);
        for (std::int64_t i = 0; i < rows; ++i, from += args.a.stride) {
          table.widen(from, wide + i * kCols, count);
        }
        table.column_sums(wide, rows, count, kCols, sums, add);
      }
      if (narrow) table.round(sums, rounded, count);
    }
  };
  share(*pool_, args.a.cols, kPartCols, args.a.rows * args.a.cols, sum);
}

}  // namespace wick::cpu
