// SPDX-License-Identifier: MIT
// A pass of a convolution on the kernels of one instruction set. Each sum is over blocks of k whose
// size depends on the shape alone, so that how positions and outputs are shared among threads
// changes no bit.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/conv_source.h"
#include "kernels/cpu/matmul_float64.h"
#include "kernels/cpu/share.h"
#include "kernels/cpu/share_product.h"
#include "kernels/cpu/simd/kernel_table.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/cpu/workspace.h"
#include "wick/core/backend/matrix.h"

namespace wick::cpu {

// What scratch is for.
struct ConvPatchScratch {};
struct ConvSumScratch {};
struct ConvSourceScratch {};
struct ConvOffsetScratch {};
struct ConvProductScratch {};

// Rows of patches that are packed at once.
inline constexpr std::int64_t kConvDepth = 512;
// Below so many positions of a sample, those of several samples are taken together.
inline constexpr std::int64_t kFewPositions = 512;
// Up to so many outputs, patches cost more than they save (measured with AVX2).
inline constexpr std::int64_t kFewOutputs = 64;
// Outputs of a part, where there are more threads than blocks of positions.
inline constexpr std::int64_t kPartOutputs = 64;

/// Runs a pass. The order of the sums depends on its sizes alone.
template <typename T>
class ConvRunner {
 public:
  ConvRunner(const ConvPass<T>& pass, const KernelTable<T>& kernels, ThreadPool& pool,
             std::int64_t block_elements)
      : pass_(pass), kernels_(kernels), pool_(pool), block_elements_(block_elements) {}

  void run() const {
    if (pass_.samples * pass_.groups * pass_.outputs * pass_.positions() == 0) return;
    if (pass_.depth() == 0) {
      for_each_plane([this](std::int64_t n, std::int64_t g) { fill(n, g); });
      return;
    }
    if (pass_.outputs <= kFewOutputs && !pass_.is_pointwise()) return run_direct();
    run_products();
  }

 private:
  [[nodiscard]] std::int64_t work() const {
    return pass_.samples * pass_.groups * pass_.outputs * pass_.positions() * pass_.depth();
  }

  template <typename Job>
  void for_each_plane(const Job& job) const {
    share_units(pass_.samples * pass_.groups,
                [&](std::int64_t unit) { job(unit / pass_.groups, unit % pass_.groups); });
  }

  template <typename Job>
  void share_units(std::int64_t units, const Job& job) const {
    const auto some = [&job](std::int64_t first, std::int64_t last) {
      for (std::int64_t unit = first; unit < last; ++unit) job(unit);
    };
    if (work() < kParallelWork) {
      some(0, units);
    } else {
      pool_.run(units, 1, some);
    }
  }

  // Where there is nothing to add up.
  void fill(std::int64_t sample, std::int64_t group) const {
    for (std::int64_t o = 0; o < pass_.outputs; ++o) {
      const T value = pass_.bias == nullptr ? T{0} : pass_.bias[group * pass_.outputs + o];
      T* const plane = pass_.target_of(sample, group) + o * pass_.target_plane;
      for (std::int64_t y = 0; y < pass_.rows; ++y) {
        for (std::int64_t x = 0; x < pass_.cols; ++x) {
          plane[y * pass_.target_row + x * pass_.target_step] = value;
        }
      }
      if (pass_.has_activation) activate(plane, pass_.positions());
    }
  }

  void activate(T* data, std::int64_t count) const {
    kernels_.unary[static_cast<std::size_t>(pass_.activation)](
        {data, data, count, static_cast<T>(pass_.parameters.a),
         static_cast<T>(pass_.parameters.b)});
  }

  // As many channels and rows at a time as have a copy that stays in the cache.
  void run_direct() const {
    const std::int64_t rows = PaddedSource<T>::rows_at_once(pass_);
    const std::int64_t plane = PaddedSource<T>(pass_, 1, rows).elements();
    const std::int64_t channels =
        equal_parts(pass_.channels, std::max<std::int64_t>(1, kSourceElements / plane));
    const PaddedSource<T> padded(pass_, channels, rows);
    auto* const offsets =
        thread_workspace<std::int64_t, ConvOffsetScratch>(channels * pass_.tap_count);
    padded.set_offsets(offsets);
    for_each_plane([&, offsets](std::int64_t sample, std::int64_t group) {
      T* const source = thread_workspace<T, ConvSourceScratch>(padded.room());
      DirectConvTask<T> task{};
      task.source = source;
      task.offsets = offsets;
      task.row_pitch = padded.row_pitch();
      task.weight_row = pass_.depth();
      task.bias = offset(pass_.bias, group * pass_.outputs);
      task.outputs = pass_.outputs;
      task.out_plane = pass_.target_plane;
      task.out_row = pass_.target_row;
      task.out_step = pass_.target_step;
      task.cols = pass_.cols;
      T* const out = pass_.target_of(sample, group);
      for (std::int64_t y = 0; y < pass_.rows; y += rows) {
        task.rows = std::min(rows, pass_.rows - y);
        task.out = out + y * pass_.target_row;
        for (std::int64_t c = 0; c < pass_.channels; c += channels) {
          const std::int64_t some = std::min(channels, pass_.channels - c);
          PaddedSource<T>(pass_, some, rows)
              .copy(pass_.source_of(sample, group) + c * pass_.height * pass_.width, y, kernels_,
                    source);
          padded.end(source);
          task.depth = some * pass_.tap_count;
          task.weight = pass_.weight + group * pass_.outputs * pass_.depth() + c * pass_.tap_count;
          task.add = c > 0;
          kernels_.direct_conv(task);
        }
      }
      if (pass_.has_activation) activate(out, pass_.outputs * pass_.positions());
    });
  }

  // Where a sample has few positions, those of several are the columns of one product.
  [[nodiscard]] bool joins_samples() const {
    return pass_.samples > 1 && pass_.positions() < kFewPositions;
  }

  void run_products() const {
    const std::int64_t panel = kernels_.panel_cols;
    const std::int64_t depth = std::min(kConvDepth, pass_.depth());
    const std::int64_t most =
        std::max(panel, block_elements_ / std::max<std::int64_t>(depth, 1) / panel * panel);
    const std::int64_t runs = joins_samples() ? 1 : pass_.samples;
    const std::int64_t columns = pass_.samples / runs * pass_.positions();
    const std::int64_t blocks = (columns + most - 1) / most;
    // Patches are packed anew for each part of the outputs: only where threads would be idle.
    std::int64_t parts = 1;
    const std::int64_t planes = runs * pass_.groups;
    if (pool_.size() > 1 && planes * blocks < 4 * pool_.size()) {
      parts = std::max<std::int64_t>(1, pass_.outputs / kPartOutputs);
    }
    const std::int64_t outputs = (pass_.outputs + parts - 1) / parts;
    share_units(planes * blocks * parts, [&](std::int64_t unit) {
      const std::int64_t part = unit % parts;
      const std::int64_t block = unit / parts % blocks;
      const std::int64_t plane = unit / parts / blocks;
      const std::int64_t first = block * most;
      const std::int64_t first_output = part * outputs;
      const std::int64_t some = std::min(outputs, pass_.outputs - first_output);
      if (some <= 0) return;
      multiply({plane / pass_.groups, plane % pass_.groups, first, std::min(most, columns - first),
                first_output, some});
    });
  }

  struct Block {
    std::int64_t sample;  // the one in which positions begin to count
    std::int64_t group;
    std::int64_t first;  // positions
    std::int64_t count;
    std::int64_t first_output;
    std::int64_t outputs;
  };

  void multiply(const Block& block) const {
    T* target =
        pass_.target_of(block.sample, block.group) + block.first_output * pass_.target_plane;
    const bool scatters = !pass_.is_dense() || joins_samples();
    T* sums = target + block.first;
    std::int64_t pitch = pass_.target_plane;
    if (scatters) {
      sums = thread_workspace<T, ConvSumScratch>(block.outputs * block.count);
      pitch = block.count;
    }
    const std::int64_t row = block.group * pass_.outputs + block.first_output;
    if (pass_.bias != nullptr) {
      for (std::int64_t o = 0; o < block.outputs; ++o) {
        std::fill_n(sums + o * pitch, block.count, pass_.bias[row + o]);
      }
    }
    const T* const weight = pass_.weight + row * pass_.depth();
    const std::int64_t most = equal_parts(pass_.depth(), kConvDepth);
    for (std::int64_t k = 0; k < pass_.depth(); k += most) {
      add_product(block, weight + k, k, std::min(most, pass_.depth() - k), sums, pitch);
    }
    if (pass_.has_activation && !applies_relu()) {
      for (std::int64_t o = 0; o < block.outputs; ++o) activate(sums + o * pitch, block.count);
    }
    if (scatters) scatter(block, sums, target);
  }

  // The product's epilogue does that.
  [[nodiscard]] bool applies_relu() const {
    return sizeof(T) == sizeof(float) && pass_.has_activation && pass_.activation == UnaryOp::relu;
  }

  [[nodiscard]] PatchTask<T> patches(const Block& block, std::int64_t k, std::int64_t depth) const {
    PatchTask<T> task{};
    task.image = pass_.source_of(block.sample, block.group);
    task.sample_pitch = pass_.groups * pass_.channels * pass_.height * pass_.width;
    task.height = pass_.height;
    task.width = pass_.width;
    task.taps = pass_.taps;
    task.tap_count = pass_.tap_count;
    task.row_step = pass_.row_step;
    task.col_step = pass_.col_step;
    task.rows = pass_.rows;
    task.cols = pass_.cols;
    task.first = block.first;
    task.count = block.count;
    task.first_k = k;
    task.depth = depth;
    return task;
  }

  void add_product(const Block& block, const T* weight, std::int64_t k, std::int64_t depth, T* sums,
                   std::int64_t pitch) const {
    const bool pointwise = pass_.is_pointwise() && !joins_samples();
    const bool add = k > 0 || pass_.bias != nullptr;
    const T* b = pass_.source_of(block.sample, block.group) + k * pass_.positions() + block.first;
    std::int64_t b_row = pass_.positions();
    if (!pointwise) {
      const std::int64_t panel = kernels_.panel_cols;
      T* const packed = thread_workspace<T, ConvPatchScratch>(
          depth * ((block.count + panel - 1) / panel * panel));
      PatchTask<T> task = patches(block, k, depth);
      task.to = packed;
      task.stride = sizeof(T) == sizeof(float) ? 0 : block.count;
      kernels_.pack_patches(task);
      b = packed;
      b_row = block.count;
    }
    if constexpr (sizeof(T) == sizeof(float)) {
      constexpr std::int64_t kDepthBlock = 256;
      MatmulTask<T> task{};
      task.a = weight;
      task.a_row = pass_.depth();
      task.a_col = 1;
      task.b = b;
      task.b_row = pointwise ? b_row : 0;
      task.b_col = pointwise ? 1 : 0;
      task.packed = !pointwise;
      task.c = sums;
      task.c_row = pitch;
      task.rows = block.outputs;
      task.cols = block.count;
      task.depth = depth;
      task.accumulate = add;
      task.relu = applies_relu() && k + depth == pass_.depth();
      task.method = MatmulMethod::outer;
      task.depth_block = kDepthBlock;
      task.block_elements = block_elements_;
      const std::int64_t workspace = kernels_.matmul_workspace(task);
      if (workspace > 0) task.workspace = thread_workspace<T, ConvProductScratch>(workspace);
      kernels_.matmul(task);
    } else {
      MatmulArgs args{.dtype = DType::float64, .operand_dtype = DType::float64};
      args.a = {weight, block.outputs, depth, pass_.depth()};
      args.b = {b, depth, block.count, b_row};
      args.c = {sums, block.outputs, block.count, pitch};
      args.accumulate = add;
      matmul_float64(args);
    }
  }

  void scatter(const Block& block, const T* sums, T* target) const {
    const std::int64_t sample_pitch = pass_.groups * pass_.outputs * pass_.target_plane;
    for (std::int64_t o = 0; o < block.outputs; ++o, target += pass_.target_plane) {
      std::int64_t position = block.first % pass_.positions();
      T* plane = target + block.first / pass_.positions() * sample_pitch;
      for (std::int64_t done = 0; done < block.count;) {
        const std::int64_t some = std::min(pass_.positions() - position, block.count - done);
        scatter_positions(sums, position, some, plane);
        sums += some;
        done += some;
        position = 0;
        plane += sample_pitch;
      }
    }
  }

  // Of one plane.
  void scatter_positions(const T* sums, std::int64_t first, std::int64_t count, T* plane) const {
    if (pass_.is_dense()) {
      std::copy_n(sums, count, plane + first);
      return;
    }
    std::int64_t y = first / pass_.cols;
    std::int64_t x = first % pass_.cols;
    for (std::int64_t i = 0; i < count; ++i) {
      plane[y * pass_.target_row + x * pass_.target_step] = sums[i];
      if (++x == pass_.cols) {
        x = 0;
        ++y;
      }
    }
  }

  const ConvPass<T>& pass_;
  const KernelTable<T>& kernels_;
  ThreadPool& pool_;
  std::int64_t block_elements_;
};

}  // namespace wick::cpu
