// SPDX-License-Identifier: MIT
// Matrix products of bfloat16 operands, summed in float32.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/pairs_task.h"
#include "kernels/cpu/share.h"
#include "kernels/cpu/share_product.h"
#include "kernels/cpu/workspace.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/float_types.h"

namespace wick::cpu {
namespace {

struct PackedPairs {};
struct WideSums {};

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
  // A right operand that lies along k is transposed pair by pair, a left one is copied. Of two that
  // lie along k the larger one is better off on the left; to transpose C costs less.
  const bool smaller_a = task.right.along_k && task.left.along_k && task.rows < task.cols;
  if (task.right.along_k && (!task.left.along_k || smaller_a)) swap_sides(task);
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
