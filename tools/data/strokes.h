// SPDX-License-Identifier: MIT
// How the ten digits are written: the strokes of each, in a few manners, as a pen draws them.
#pragma once

#include <cstddef>
#include <span>

namespace wick::tools {

struct Point {
  float x = 0;
  float y = 0;
};

/// One movement of the pen through some points: straight between them, or curved through them.
struct Stroke {
  std::span<const Point> points;
  bool curved = false;
};

/// One manner of writing a digit, in the unit square: x to the right, y downwards.
struct Glyph {
  std::span<const Stroke> strokes;
  float width = 1;  // how wide it is usually written, relative to the widest digits
};

/// The manners of writing a digit, at least one. `digit` is in 0 to 9.
[[nodiscard]] std::span<const Glyph> glyphs_of(std::size_t digit);

}  // namespace wick::tools
