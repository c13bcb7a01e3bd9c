// SPDX-License-Identifier: MIT
// Products of bfloat16 from blocks of 32 by 32 sums, which an engine computes from packed strips.
//
// A block of the right operand, some strips by some thousand values of k, stays packed in the
// second-level cache while the left operand passes strip by strip. Each sum goes through k in steps
// of 32 from the first to the last, whatever the blocks are: what they leave is loaded again as it
// was.
#pragma once

#include "kernels/cpu/amx/finish_block.h"

namespace wick::cpu {

/// Values of k that a packed block holds at most.
inline constexpr std::int64_t kPackedDepth = 2048;
/// Values of k that are worked on at once, about: a strip of so many stays in the first-level
/// cache.
inline constexpr std::int64_t kNearDepth = 256;
/// With so few strips of the right operand, a left one that lies along k is read where it is.
inline constexpr std::int64_t kDirectStrips = 4;

/// A left operand of up to so many elements is packed once for all blocks of the right one.
inline constexpr std::int64_t kKeptElements = 4 << 20;

/// With so few left strips, a smaller block of the right operand is as good, and packed faster.
inline constexpr std::int64_t kFewLeftStrips = 8;

/// Where the tiles of a left strip lie; strides in elements.
struct LeftStrip {
  const std::uint16_t* data;
  std::int64_t row_stride;
  std::int64_t tile_stride;
  std::int64_t step_stride;
};

// What a part is worked on in.
struct PairsBlocks {
  std::int64_t depth;   // values of k
  std::int64_t strips;  // of the right operand
  std::int64_t left_strips;
  bool several;  // blocks of k: sums wait in memory
  bool keeps_left;
  // Elements of the workspace.
  std::int64_t right_size;
  std::int64_t left_size;
  std::int64_t sums_size;
};

template <typename Isa>
PairsBlocks pairs_blocks(const PairsTask& task) {
  PairsBlocks blocks{};
  const std::int64_t depth_blocks = ceil_divide(task.depth, kPackedDepth);
  blocks.depth = depth_blocks == 0 ? 0 : ceil_divide(task.depth, depth_blocks);
  blocks.depth = ceil_divide(blocks.depth, kStepDepth) * kStepDepth;
  blocks.several = blocks.depth < task.depth;
  const std::int64_t strip = blocks.depth * kStripRows;
  blocks.left_strips = ceil_divide(task.rows, kStripRows);
  const std::int64_t bytes = task.block_bytes / (blocks.left_strips <= kFewLeftStrips ? 2 : 1);
  const std::int64_t strip_bytes = strip * static_cast<std::int64_t>(sizeof(std::uint16_t));
  const std::int64_t fits = strip == 0 ? 1 : bytes / strip_bytes;
  blocks.strips = at_most(ceil_divide(task.cols, kStripRows), fits < 1 ? 1 : fits);
  blocks.right_size = strip * blocks.strips;
  const std::int64_t whole_left =
      blocks.left_strips * kStripRows * blocks.depth * (depth_blocks == 0 ? 1 : depth_blocks);
  blocks.keeps_left = blocks.strips * kStripRows < task.cols && blocks.left_strips > 1 &&
                      whole_left <= kKeptElements;
  blocks.left_size = blocks.keeps_left ? whole_left : strip;
  blocks.sums_size =
      kStripRows * kStripRows * blocks.strips * (blocks.several ? blocks.left_strips : 1);
  return blocks;
}

template <typename Isa>
std::int64_t pairs_workspace(const PairsTask& task) {
  const PairsBlocks blocks = pairs_blocks<Isa>(task);
  return (blocks.right_size + blocks.left_size) * static_cast<std::int64_t>(sizeof(std::uint16_t)) +
         blocks.sums_size * static_cast<std::int64_t>(sizeof(float));
}

// The engine's function for strips of so many rows.
template <typename Engine>
[[gnu::always_inline]] inline void multiply_strips(Engine& engine, std::int64_t rows,
                                                   std::int64_t cols, const LeftStrip& left,
                                                   const std::uint16_t* right, std::int64_t steps,
                                                   float* sums, bool add) {
  if (rows > kTileRows) {
    cols > kTileRows ? engine.template multiply<2, 2>(left, right, steps, sums, add)
                     : engine.template multiply<2, 1>(left, right, steps, sums, add);
  } else {
    cols > kTileRows ? engine.template multiply<1, 2>(left, right, steps, sums, add)
                     : engine.template multiply<1, 1>(left, right, steps, sums, add);
  }
}

// One block of the right operand: rows [j, j + cols), values of k [k, k + depth).
template <typename Engine, typename Isa>
void multiply_pairs_block(Engine& engine, const PairsTask& task, const PairsBlocks& blocks,
                          std::int64_t j, std::int64_t cols, std::int64_t k, std::int64_t depth) {
  auto* const right = static_cast<std::uint16_t*>(task.workspace);
  std::uint16_t* const left_memory = right + blocks.right_size;
  auto* const all_sums = reinterpret_cast<float*>(left_memory + blocks.left_size);
  const std::int64_t steps = ceil_divide(depth, kStepDepth);
  const std::int64_t strips = ceil_divide(cols, kStripRows);
  const bool last = k + depth == task.depth;
  pack_strips<Isa, Side::right>(task.right, j, cols, k, depth, right);
  for (std::int64_t i = 0; i < task.rows; i += kStripRows) {
    const std::int64_t rows = at_most(task.rows - i, kStripRows);
    // In place but for the values of k and the rows that fill no tile.
    const bool whole = rows == kTileRows || rows == kStripRows;
    const std::int64_t direct_steps =
        task.left.along_k && blocks.strips <= kDirectStrips && !blocks.keeps_left && whole
            ? depth / kStepDepth
            : 0;
    std::uint16_t* packed_left = left_memory;
    if (blocks.keeps_left) packed_left += k * blocks.left_strips * kStripRows + i * blocks.depth;
    const LeftStrip direct{task.left.at(i, k), task.left.stride, kTileRows * task.left.stride,
                           kStepDepth};
    const LeftStrip packed{packed_left, kStepDepth, kTileElements, kStepElements};
    const std::int64_t packed_k = direct_steps * kStepDepth;
    if (!blocks.keeps_left || j == 0) {
      pack_strips<Isa, Side::left>(task.left, i, rows, k + packed_k, depth - packed_k, packed_left);
    }
    float* const sums =
        all_sums + (blocks.several ? i / kStripRows : 0) * blocks.strips * kStripRows * kStripRows;
    const auto multiply = [&](const LeftStrip& left, std::int64_t first, std::int64_t last_step)
        __attribute__((always_inline)) {
      // As equal as can be: a short block would take as long to begin and to end as any.
      constexpr std::int64_t kNearSteps = kNearDepth / kStepDepth;
      const std::int64_t count = last_step - first;
      const std::int64_t near_blocks = (count + kNearSteps / 2) / kNearSteps;
      const std::int64_t near_steps = near_blocks <= 1 ? count : ceil_divide(count, near_blocks);
      for (std::int64_t s = first; s < last_step; s += near_steps) {
        const std::int64_t now = at_most(last_step - s, near_steps);
        LeftStrip from = left;
        from.data += (s - first) * left.step_stride;
        const bool finished = last && s + now == steps;
        for (std::int64_t strip = 0; strip < strips; ++strip) {
          const std::int64_t strip_cols = at_most(cols - strip * kStripRows, kStripRows);
          float* const block = sums + strip * kStripRows * kStripRows;
          multiply_strips(engine, rows, strip_cols, from,
                          right + (strip * steps + s) * kStepElements, now, block, k > 0 || s > 0);
          if (finished) {
            finish_block<Isa>(task, block, i, rows, j + strip * kStripRows, strip_cols);
          }
        }
      }
    };
    multiply(direct, 0, direct_steps);
    multiply(packed, direct_steps, steps);
  }
}

template <typename Engine, typename Isa>
void multiply_pairs(const PairsTask& task) {
  const PairsBlocks blocks = pairs_blocks<Isa>(task);
  if (task.depth == 0) {
    // No products: what else C is made of.
    alignas(64) float zeros[kStripRows * kStripRows] = {};
    for (std::int64_t i = 0; i < task.rows; i += kStripRows) {
      for (std::int64_t j = 0; j < task.cols; j += kStripRows) {
        finish_block<Isa>(task, zeros, i, at_most(task.rows - i, kStripRows), j,
                          at_most(task.cols - j, kStripRows));
      }
    }
    return;
  }
  Engine engine;
  const std::int64_t width = blocks.strips * kStripRows;
  for (std::int64_t j = 0; j < task.cols; j += width) {
    for (std::int64_t k = 0; k < task.depth; k += blocks.depth) {
      multiply_pairs_block<Engine, Isa>(engine, task, blocks, j, at_most(task.cols - j, width), k,
                                        at_most(task.depth - k, blocks.depth));
    }
  }
}

}  // namespace wick::cpu
