// SPDX-License-Identifier: MIT
// A small sheet on which a round pen draws anti-aliased lines.
#include "tools/data/canvas.h"

#include <algorithm>
#include <cmath>

namespace wick::tools {
namespace {

/// First and last pixel that a pen reaching from `low` to `high` can touch.
struct Reach {
  int first;
  int last;
};

Reach reach(float low, float high) {
  constexpr float kLast = Canvas::kSide - 1;
  return {static_cast<int>(std::ceil(std::clamp(low, 0.F, kLast + 1))),
          static_cast<int>(std::floor(std::clamp(high, -1.F, kLast)))};
}

}  // namespace

void Canvas::line(Point from, Point to, float radius) {
  // A pixel's ink falls from 1 to 0 over the pixel's width around the pen's edge.
  const float outer = radius + 0.5F;
  const Reach xs = reach(std::min(from.x, to.x) - outer, std::max(from.x, to.x) + outer);
  const Reach ys = reach(std::min(from.y, to.y) - outer, std::max(from.y, to.y) + outer);
  const float dx = to.x - from.x;
  const float dy = to.y - from.y;
  const float inverse = 1.F / std::max(dx * dx + dy * dy, 1e-6F);
  for (int y = ys.first; y <= ys.last; ++y) {
    float* const row = ink_.data() + y * kSide;
    const float py = static_cast<float>(y) - from.y;
    for (int x = xs.first; x <= xs.last; ++x) {
      const float px = static_cast<float>(x) - from.x;
      // The nearest point of the line segment is at `t` between its ends.
      const float t = std::clamp((px * dx + py * dy) * inverse, 0.F, 1.F);
      const float ex = px - t * dx;
      const float ey = py - t * dy;
      const float ink = std::min(outer - std::sqrt(ex * ex + ey * ey), 1.F);
      row[x] = std::max(row[x], ink);
    }
  }
}

}  // namespace wick::tools
