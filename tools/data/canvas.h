// SPDX-License-Identifier: MIT
// A small sheet on which a round pen draws anti-aliased lines.
#pragma once

#include <array>
#include <cstddef>

#include "tools/data/strokes.h"

namespace wick::tools {

/// 28 x 28 pixels; pixel (x, y) has its centre at (x, y). Ink is 0 (none) to 1 (full).
class Canvas {
 public:
  static constexpr int kSide = 28;
  static constexpr std::size_t kPixels = std::size_t{kSide} * kSide;

  void clear() { ink_.fill(0.F); }
  /// Draws from `from` to `to` with a pen whose tip has the radius `radius`, in pixels.
  void line(Point from, Point to, float radius);
  /// Row by row.
  [[nodiscard]] const std::array<float, kPixels>& ink() const { return ink_; }

 private:
  std::array<float, kPixels> ink_{};
};

}  // namespace wick::tools
