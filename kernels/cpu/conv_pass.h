// SPDX-License-Identifier: MIT
// How a convolution, or the gradient by its input, is made up of products of weights and patches.
#pragma once

#include <cstdint>

#include "kernels/cpu/simd/conv_table.h"
#include "wick/core/backend/image.h"

namespace wick::cpu {

/// Positions in rows and columns, and for each of them the sums over weights and elements of the
/// source around it. A forward convolution is one pass. The gradient by its input is one pass for
/// each remainder that a position can leave by the strides: positions with the same one have the
/// same taps, and those of others have no part in them.
template <typename T>
struct ConvPass {
  const T* source = nullptr;  // (samples, groups, channels, height, width)
  std::int64_t samples = 0;
  std::int64_t groups = 1;
  std::int64_t channels = 0;  // of a group
  std::int64_t height = 0;
  std::int64_t width = 0;
  const ConvTap* taps = nullptr;
  std::int64_t tap_count = 0;
  std::int64_t row_step = 1;
  std::int64_t col_step = 1;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  const T* weight = nullptr;  // (groups, outputs, channels, taps)
  const T* bias = nullptr;    // (groups, outputs), or null
  std::int64_t outputs = 0;   // of a group
  T* target = nullptr;        // of the first position; (samples, groups, outputs) planes
  std::int64_t target_plane = 0;
  std::int64_t target_row = 0;  // from a row of positions to the next
  std::int64_t target_step = 1;
  bool has_activation = false;
  UnaryOp activation = UnaryOp::relu;
  UnaryParameters parameters{};

  [[nodiscard]] std::int64_t positions() const { return rows * cols; }
  [[nodiscard]] std::int64_t depth() const { return channels * tap_count; }
  [[nodiscard]] const T* source_of(std::int64_t sample, std::int64_t group) const {
    return source + (sample * groups + group) * channels * height * width;
  }
  [[nodiscard]] T* target_of(std::int64_t sample, std::int64_t group) const {
    return target + (sample * groups + group) * outputs * target_plane;
  }
  /// The positions are side by side in the target.
  [[nodiscard]] bool is_dense() const { return target_step == 1 && target_row == cols; }
  /// The matrix of patches is the source as it lies there.
  [[nodiscard]] bool is_pointwise() const {
    return tap_count == 1 && taps[0].row == 0 && taps[0].col == 0 && row_step == 1 &&
           col_step == 1 && rows == height && cols == width;
  }
};

/// In as many equal parts as make none larger than `most`: the size of a part.
[[nodiscard]] constexpr std::int64_t equal_parts(std::int64_t count, std::int64_t most) {
  const std::int64_t parts = (count + most - 1) / most;
  return parts == 0 ? 0 : (count + parts - 1) / parts;
}

}  // namespace wick::cpu
