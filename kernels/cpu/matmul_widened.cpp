// SPDX-License-Identifier: MIT
// Products of bfloat16 by the kernels for float32, which hold every bfloat16 and every product of
// two. Blocks of the operands are widened as they are needed, so that the wide copies stay in the
// second-level cache.
#include <algorithm>
#include <cstdint>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/pairs_task.h"
#include "kernels/cpu/share_product.h"
#include "kernels/cpu/workspace.h"
#include "wick/core/backend/matrix.h"

namespace wick::cpu {
namespace {

struct WideBlocks {};  // a purpose of its own: the kernels use a workspace, too

// Rows of the left operand that are widened at once. More where the kernels' tiles are tall, for
// they bring the right block into order themselves, once for each strip.
constexpr std::int64_t kStripRows = 128;
constexpr std::int64_t kTallStripRows = 512;
// Of so few columns, the kernels' order for a right operand is another one.
constexpr std::int64_t kFewCols = 12;
// Values of k of inner products, whose vectors run along k.
constexpr std::int64_t kInnerDepth = 4096;
// Elements of a right block of inner products, which are read once or a few times: for the
// first-level cache.
constexpr std::int64_t kInnerElements = 8 << 10;

std::int64_t round_up(std::int64_t count) {
  constexpr std::int64_t kUnit = 16;  // 64 bytes
  return (count + kUnit - 1) / kUnit * kUnit;
}

// A block of an operand in float32, as it lies in memory but without gaps.
struct WideBlock {
  float* data;
  std::int64_t row;  // strides of the operand's rows, and of k
  std::int64_t col;
};

WideBlock widen_block(const ConvertTable<float>& convert, const PairsOperand& operand,
                      std::int64_t first, std::int64_t rows, std::int64_t k, std::int64_t depth,
                      float* to) {
  const std::uint16_t* from = operand.at(first, k);
  const std::int64_t runs = operand.along_k ? rows : depth;
  const std::int64_t run = operand.along_k ? depth : rows;
  for (std::int64_t i = 0; i < runs; ++i) {
    convert.widen(from + i * operand.stride, to + i * run, run);
  }
  return {to, operand.along_k ? depth : 1, operand.along_k ? 1 : rows};
}

}  // namespace

// How the blocks of a whole product are, which the order of its sums depends on, and the pieces of
// the workspace.
struct CpuBackend::WidenedPlan {
  MatmulMethod method;
  std::int64_t depth;  // values of k in a block
  std::int64_t cols;   // of a block of the right operand
  int panel_vectors;
  std::int64_t block_elements;
};

void CpuBackend::matmul_widened(const MatmulArgs& args) {
  PairsTask task = make_pairs_task(args);
  // The kernels choose the method; nobody reads by this task.
  MatmulTask<float> shape{};
  shape.a_row = task.left.along_k ? task.left.stride : 1;
  shape.a_col = task.left.along_k ? 1 : task.left.stride;
  shape.b_row = task.right.along_k ? 1 : task.right.stride;
  shape.b_col = task.right.along_k ? task.right.stride : 1;
  shape.rows = task.rows;
  shape.cols = task.cols;
  shape.depth = task.depth;
  kernels<float>().plan_matmul(&shape);
  if (shape.transpose_c) swap_sides(task);

  WidenedPlan plan{shape.method, 0, 0, shape.panel_vectors, block_elements_};
  const std::int64_t most = shape.method == MatmulMethod::inner ? kInnerDepth : shape.depth_block;
  const std::int64_t blocks = std::max<std::int64_t>((task.depth + most - 1) / most, 1);
  plan.depth = (task.depth + blocks - 1) / blocks;
  // A wide block and its copy in the kernels' order share the cache.
  const bool inner = shape.method == MatmulMethod::inner;
  const std::int64_t unit = inner ? 4 : 64;
  const std::int64_t fits =
      (inner ? kInnerElements : block_elements_ / 2) / std::max<std::int64_t>(plan.depth, 1);
  plan.cols = std::max(fits / unit * unit, unit);
  share_product(
      *pool_, args.c.rows, args.c.cols, task.depth, false, [&] { run_widened(task, plan); },
      [&](std::int64_t first, std::int64_t last) {
        run_widened(part_of(task, true, first, last), plan);
      },
      [&](std::int64_t first, std::int64_t last) {
        run_widened(part_of(task, false, first, last), plan);
      });
}

void CpuBackend::run_widened(const PairsTask& task, const WidenedPlan& plan) const {
  const KernelTable<float>& table = kernels<float>();
  const std::int64_t most_cols = std::min(plan.cols, task.cols);
  const bool tall = task.transpose_c || !task.left.along_k;
  const std::int64_t fits = plan.block_elements / std::max<std::int64_t>(plan.depth, 1);
  const std::int64_t most_rows = tall ? std::clamp(fits, kStripRows, kTallStripRows) : kStripRows;
  const std::int64_t strip_rows = std::min(most_rows, task.rows);
  const std::int64_t left_size = round_up(strip_rows * plan.depth);
  const std::int64_t right_size = round_up(most_cols * plan.depth);
  const std::int64_t packed_size = round_up(table.packed_size(most_cols, plan.depth));
  // finish_rows() reads whole vectors, so beyond the last sum.
  constexpr std::int64_t kLongestVector = 16;
  const std::int64_t sums_size = task.narrow ? task.rows * most_cols + kLongestVector : 0;
  auto* const left_memory =
      thread_workspace<float, WideBlocks>(left_size + right_size + packed_size + sums_size);
  float* const right_memory = left_memory + left_size;
  float* const packed = right_memory + right_size;
  float* const sums = packed + packed_size;

  // A right block is brought into the kernels' order once for several strips; for a single one they
  // do so themselves where it pays.
  const bool several_strips = task.rows > strip_rows;
  WideBlock left{};
  const bool one_left = !several_strips && plan.depth == task.depth;
  if (one_left) left = widen_block(table, task.left, 0, task.rows, 0, task.depth, left_memory);
  for (std::int64_t j = 0; j < task.cols; j += most_cols) {
    const std::int64_t cols = std::min(most_cols, task.cols - j);
    std::int64_t k = 0;
    do {  // once even where there is no k: C must be written
      const std::int64_t depth = std::min(plan.depth, task.depth - k);
      const bool last = k + depth == task.depth;
      const WideBlock right = widen_block(table, task.right, j, cols, k, depth, right_memory);
      MatmulTask<float> part{};
      part.b = right.data;
      part.b_row = right.col;
      part.b_col = right.row;
      part.cols = cols;
      part.depth = depth;
      part.method = plan.method;
      part.panel_vectors = plan.panel_vectors;
      part.depth_block = std::max<std::int64_t>(plan.depth, 1);
      part.block_elements = plan.block_elements;
      part.transpose_c = task.transpose_c;
      part.packed =
          plan.method == MatmulMethod::outer && several_strips && !tall && cols > kFewCols;
      if (part.packed) {
        table.pack(part, packed);
        part.b = packed;
        part.b_row = part.b_col = 0;
      }
      for (std::int64_t i = 0; i < task.rows; i += strip_rows) {
        MatmulTask<float> now = part;
        now.rows = std::min(strip_rows, task.rows - i);
        if (!one_left) left = widen_block(table, task.left, i, now.rows, k, depth, left_memory);
        now.a = left.data;
        now.a_row = left.row;
        now.a_col = left.col;
        now.accumulate = k > 0 || (task.accumulate && !task.narrow);
        if (task.narrow) {
          now.c = task.transpose_c ? sums + i : sums + i * cols;
          now.c_row = task.transpose_c ? task.rows : cols;
        } else {
          const std::int64_t m = task.transpose_c ? j : i;
          const std::int64_t n = task.transpose_c ? i : j;
          now.c = static_cast<float*>(task.c) + m * task.c_row + n;
          now.c_row = task.c_row;
          if (last) {
            now.relu = task.relu;
            if (task.bias != nullptr) now.bias = static_cast<const float*>(task.bias) + n;
            if (task.relu_mask != nullptr) {
              now.relu_mask = static_cast<const float*>(task.relu_mask) + m * task.mask_row + n;
              now.mask_row = task.mask_row;
            }
          }
        }
        run_matmul(now);
      }
      k += depth;
    } while (k < task.depth);
    if (!task.narrow) continue;
    if (task.transpose_c) {
      table.finish_rows(task, sums, task.rows, j, cols, 0, task.rows);
    } else {
      table.finish_rows(task, sums, cols, 0, task.rows, j, cols);
    }
  }
}

}  // namespace wick::cpu
