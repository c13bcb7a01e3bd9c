// SPDX-License-Identifier: MIT
#include "optim/line_search.h"

#include <array>
#include <cmath>
#include <utility>

namespace wick::optim {
namespace {

constexpr double kArmijo = 1e-4;    // PyTorch's c1
constexpr double kCurvature = 0.9;  // and c2

// Python's min and max, which keep the first of two where they cannot be compared.
double least(double a, double b) {
  return b < a ? b : a;
}
double most(double a, double b) {
  return b > a ? b : a;
}

/// Where the cubic through two points with their slopes has its minimum, within bounds.
double cubic_minimum(const LinePoint& one, const LinePoint& two, double low, double high) {
  const double d1 = one.slope + two.slope - 3.0 * (one.loss - two.loss) / (one.t - two.t);
  const double square = d1 * d1 - one.slope * two.slope;
  if (!(square >= 0.0)) return (low + high) / 2.0;
  const double d2 = std::sqrt(square);
  const double at =
      one.t <= two.t
          ? two.t - (two.t - one.t) * ((two.slope + d2 - d1) / (two.slope - one.slope + 2.0 * d2))
          : one.t - (one.t - two.t) * ((one.slope + d2 - d1) / (one.slope - two.slope + 2.0 * d2));
  return least(most(at, low), high);
}

/// Two points with one between them that fulfils the conditions; `low` has the smaller loss.
class Bracket {
 public:
  void set(LinePoint first, LinePoint second) {
    points_ = {std::move(first), std::move(second)};
    order();
  }
  [[nodiscard]] const LinePoint& low() const { return points_[low_]; }
  [[nodiscard]] const LinePoint& high() const { return points_[1 - low_]; }
  [[nodiscard]] double begin() const { return least(points_[0].t, points_[1].t); }
  [[nodiscard]] double end() const { return most(points_[0].t, points_[1].t); }
  [[nodiscard]] double minimum() const {
    return cubic_minimum(points_[0], points_[1], begin(), end());
  }
  void set_high(LinePoint point) {
    points_[1 - low_] = std::move(point);
    order();
  }
  /// The one that was low is high, unless it is on the side that the slope of the new one leads to.
  void set_low(LinePoint point) {
    if (point.slope * (high().t - low().t) >= 0.0) points_[1 - low_] = points_[low_];
    points_[low_] = std::move(point);
  }
  void replace_low(LinePoint point) { points_[low_] = std::move(point); }

 private:
  void order() { low_ = points_[0].loss <= points_[1].loss ? 0 : 1; }

  std::array<LinePoint, 2> points_;
  std::size_t low_ = 0;
};

/// Moves a trial that is too near an end of the bracket away from it, where that has happened
/// before or it is beyond the end.
double away_from_ends(const Bracket& bracket, double t, bool& insufficient) {
  const double begin = bracket.begin();
  const double end = bracket.end();
  const double margin = 0.1 * (end - begin);
  if (!(least(end - t, t - begin) < margin)) {
    insufficient = false;
    return t;
  }
  if (!insufficient && t < end && t > begin) {
    insufficient = true;
    return t;
  }
  insufficient = false;
  return std::abs(t - end) < std::abs(t - begin) ? end - margin : begin + margin;
}

}  // namespace

LineSearchResult strong_wolfe(const std::function<LinePoint(double t)>& evaluate,
                              const LinePoint& start, double t, const LineSearchOptions& options) {
  const auto is_too_high = [&start](const LinePoint& point) {
    return point.loss > start.loss + kArmijo * point.t * start.slope;
  };
  const auto is_flat = [&start](const LinePoint& point) {
    return std::abs(point.slope) <= -kCurvature * start.slope;
  };
  const std::int64_t most_steps = options.max_evaluations;
  std::int64_t steps = 0;
  LinePoint now = evaluate(t);
  LinePoint before = start;
  Bracket bracket;
  bool done = false;
  // Goes on until the bracket holds a point that fulfils the conditions.
  while (steps < most_steps) {
    if (is_too_high(now) || (steps > 1 && now.loss >= before.loss)) {
      bracket.set(before, now);
      break;
    }
    if (is_flat(now)) {
      bracket.set(now, now);
      done = true;
      break;
    }
    if (now.slope >= 0.0) {
      bracket.set(before, now);
      break;
    }
    const double next = cubic_minimum(before, now, now.t + 0.01 * (now.t - before.t), now.t * 10.0);
    before = now;
    now = evaluate(next);
    ++steps;
  }
  if (steps == most_steps) bracket.set(start, now);
  // Makes it smaller until the point is found.
  bool insufficient = false;
  while (!done && steps < most_steps) {
    if (std::abs(bracket.high().t - bracket.low().t) * options.direction_size <
        options.tolerance_change) {
      break;
    }
    now = evaluate(away_from_ends(bracket, bracket.minimum(), insufficient));
    ++steps;
    if (is_too_high(now) || now.loss >= bracket.low().loss) {
      bracket.set_high(now);
    } else if (is_flat(now)) {
      done = true;
      bracket.replace_low(now);
    } else {
      bracket.set_low(now);
    }
  }
  return {bracket.low(), steps + 1};
}

}  // namespace wick::optim
