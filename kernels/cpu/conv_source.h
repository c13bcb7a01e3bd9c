// SPDX-License-Identifier: MIT
// The copy of an image from which the direct kernel computes.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/conv_pass.h"

namespace wick::cpu {

// Elements of a copy, at most: of one channel and one row of positions, if that takes more.
inline constexpr std::int64_t kSourceElements = 256 * 1024;

/// Where the elements of a direct convolution lie in its copy of the source: rows with zeros around
/// them, those of a column step apart side by side, so that the elements of neighbouring positions
/// are neighbours.
template <typename T>
class PaddedSource {
 public:
  /// Of so many channels, for so many rows of positions.
  PaddedSource(const ConvPass<T>& pass, std::int64_t channels, std::int64_t rows)
      : pass_(pass), channels_(channels) {
    std::int64_t last_row = first_row_ = pass.taps[0].row;
    std::int64_t last_col = first_col_ = pass.taps[0].col;
    for (std::int64_t t = 1; t < pass.tap_count; ++t) {
      first_row_ = std::min(first_row_, pass.taps[t].row);
      first_col_ = std::min(first_col_, pass.taps[t].col);
      last_row = std::max(last_row, pass.taps[t].row);
      last_col = std::max(last_col, pass.taps[t].col);
    }
    rows_ = (rows - 1) * pass.row_step + last_row - first_row_ + 1;
    phase_ = pass.cols + (last_col - first_col_) / pass.col_step;
    row_ = phase_ * pass.col_step;
  }

  /// How many rows of positions have a copy of one channel that stays in the cache.
  [[nodiscard]] static std::int64_t rows_at_once(const ConvPass<T>& pass) {
    const std::int64_t row = PaddedSource(pass, 1, 1).row_pitch();
    return std::clamp<std::int64_t>(kSourceElements / std::max<std::int64_t>(row, 1), 1, pass.rows);
  }

  [[nodiscard]] std::int64_t elements() const { return channels_ * rows_ * row_; }
  /// Room for it, with what a vector may read beyond its end.
  [[nodiscard]] std::int64_t room() const { return elements() + kBeyond; }
  [[nodiscard]] std::int64_t row_pitch() const { return row_ * pass_.row_step; }

  /// Zeros beyond the end.
  void end(T* source) const { std::fill_n(source + elements(), kBeyond, T{0}); }

  void set_offsets(std::int64_t* offsets) const {
    for (std::int64_t c = 0; c < channels_; ++c) {
      for (std::int64_t t = 0; t < pass_.tap_count; ++t) {
        const std::int64_t col = pass_.taps[t].col - first_col_;
        *offsets++ = (c * rows_ + pass_.taps[t].row - first_row_) * row_ +
                     col % pass_.col_step * phase_ + col / pass_.col_step;
      }
    }
  }

  /// For positions from a row of them on.
  void copy(const T* image, std::int64_t row, const ConvTable<T>& kernels, T* to) const {
    for (std::int64_t c = 0; c < channels_; ++c, image += pass_.height * pass_.width) {
      for (std::int64_t y = 0; y < rows_; ++y, to += row_) {
        const std::int64_t from = y + first_row_ + row * pass_.row_step;
        if (from < 0 || from >= pass_.height) {
          std::fill_n(to, row_, T{0});
          continue;
        }
        for (std::int64_t p = 0; p < pass_.col_step; ++p) {
          kernels.copy_stretch(image + from * pass_.width, pass_.width, first_col_ + p,
                               pass_.col_step, phase_, to + p * phase_);
        }
      }
    }
  }

 private:
  // The longest tile's vectors.
  static constexpr std::int64_t kBeyond = 256;
  const ConvPass<T>& pass_;
  std::int64_t channels_;
  std::int64_t first_row_ = 0;
  std::int64_t first_col_ = 0;
  std::int64_t rows_ = 0;
  std::int64_t phase_ = 0;
  std::int64_t row_ = 0;
};

}  // namespace wick::cpu
