// SPDX-License-Identifier: MIT
// Draws varied digits from the strokes of strokes.h.
#include "tools/data/synthetic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "tools/data/canvas.h"
#include "tools/data/strokes.h"
#include "wick/core/error.h"
#include "wick/core/random.h"

namespace wick::tools {
namespace {

constexpr std::int64_t kDigits = 10;

/// Uniform numbers from the generator's upper 24 bits.
class Chance {
 public:
  explicit Chance(Generator& generator) : generator_(generator) {}
  [[nodiscard]] float uniform(float low, float high) {
    return low + (high - low) * static_cast<float>(generator_.random() >> 8) * 0x1p-24F;
  }
  /// Bell-shaped around 0, within [-spread, spread]: the sum of four bytes.
  [[nodiscard]] float bell(float spread) { return spread * bell_of(generator_.random()); }
  [[nodiscard]] std::size_t below(std::size_t count) { return generator_.random() % count; }
  [[nodiscard]] std::uint32_t bits() { return generator_.random(); }

 private:
  static float bell_of(std::uint32_t bits) {
    const std::uint32_t sum = (bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24);
    return static_cast<float>(static_cast<int>(sum) - 510) / 510.F;
  }
  Generator& generator_;
};

/// From the unit square to the sheet: a wavy hand, then size, slant, rotation and position.
class Hand {
 public:
  Hand(Chance& chance, float width) : chance_(chance) {
    const float height = 18.5F + chance.bell(4.5F);
    const float aspect = (0.68F + chance.bell(0.22F)) * width;
    const float slant = 0.12F + chance.bell(0.5F);
    const float angle = chance.bell(0.5F);
    const float c = std::cos(angle);
    const float s = std::sin(angle);
    const float wide = height * aspect;
    // (x, y) -> (x * wide - y * slant * height, y * height), then turned by `angle`.
    xx_ = c * wide;
    xy_ = -c * slant * height - s * height;
    yx_ = s * wide;
    yy_ = -s * slant * height + c * height;
    constexpr float kCentre = (Canvas::kSide - 1) / 2.F;
    x_ = kCentre + chance.bell(4.2F);
    y_ = kCentre + chance.bell(4.2F);
    for (float& phase : phases_) phase = chance.uniform(0.F, 6.2832F);
    wave_ = chance.uniform(0.01F, 0.07F);
    jitter_ = chance.uniform(0.F, 0.07F);
  }

  [[nodiscard]] Point place(Point p) {
    const float x = p.x - 0.5F + wave_ * std::sin(4.F * p.y + phases_[0]) + chance_.bell(jitter_) +
                    wave_ * std::sin(5.F * p.x + phases_[1]);
    const float y = p.y - 0.5F + wave_ * std::sin(4.F * p.x + phases_[2]) + chance_.bell(jitter_);
    return {x_ + xx_ * x + xy_ * y, y_ + yx_ * x + yy_ * y};
  }

 private:
  Chance& chance_;
  float xx_, xy_, yx_, yy_;
  float x_, y_;
  float wave_ = 0;
  float jitter_ = 0;
  std::array<float, 3> phases_{};
};

/// A point of the Catmull-Rom spline between b and c; t in [0, 1].
Point spline(Point a, Point b, Point c, Point d, float t) {
  const auto blend = [t](float p, float q, float r, float s) {
    return q +
           0.5F * t * (r - p + t * (2.F * p - 5.F * q + 4.F * r - s + t * (3.F * (q - r) + s - p)));
  };
  return {blend(a.x, b.x, c.x, d.x), blend(a.y, b.y, c.y, d.y)};
}

void draw_stroke(Canvas& canvas, const Stroke& stroke, Hand& hand, float radius) {
  constexpr std::size_t kMaxPoints = 16;
  constexpr int kPieces = 5;  // lines per span of a curve
  std::array<Point, kMaxPoints> points{};
  const std::size_t count = std::min(stroke.points.size(), kMaxPoints);
  for (std::size_t i = 0; i < count; ++i) points[i] = hand.place(stroke.points[i]);
  for (std::size_t i = 0; i + 1 < count; ++i) {
    const Point from = points[i];
    const Point to = points[i + 1];
    if (!stroke.curved) {
      canvas.line(from, to, radius);
      continue;
    }
    const Point before = i > 0 ? points[i - 1] : from;
    const Point after = i + 2 < count ? points[i + 2] : to;
    Point last = from;
    for (int piece = 1; piece <= kPieces; ++piece) {
      const Point next =
          spline(before, from, to, after, static_cast<float>(piece) / static_cast<float>(kPieces));
      canvas.line(last, next, radius);
      last = next;
    }
  }
}

/// Turns ink into pixels: a pen of some brightness on a sheet with some grain.
void develop(const Canvas& canvas, Chance& chance, std::uint8_t* pixels) {
  const float brightness = chance.uniform(170.F, 255.F);
  const float grain = std::max(0.F, chance.uniform(-12.F, 24.F));
  const float rough = chance.uniform(0.F, 50.F);
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < Canvas::kPixels; ++i) {
    if (i % 4 == 0) bits = chance.bits();
    const float noise = static_cast<float>(static_cast<int>(bits & 255) - 128) / 128.F;
    bits >>= 8;
    const float ink = canvas.ink()[i];
    const float value = ink * brightness + noise * (grain + rough * ink);
    pixels[i] = static_cast<std::uint8_t>(std::clamp(value, 0.F, 255.F));
  }
}

void draw_digit(std::size_t digit, Canvas& canvas, Chance& chance, std::uint8_t* pixels) {
  const std::span<const Glyph> glyphs = glyphs_of(digit);
  const Glyph& glyph = glyphs[chance.below(glyphs.size())];
  Hand hand(chance, glyph.width);
  const float radius = chance.uniform(0.55F, 1.75F);
  canvas.clear();
  for (const Stroke& stroke : glyph.strokes) draw_stroke(canvas, stroke, hand, radius);
  develop(canvas, chance, pixels);
}

}  // namespace

Dataset synthetic_digits(std::int64_t count, std::uint64_t seed) {
  if (count < 0) throw ValueError(concat("synthetic_digits: count is ", count));
  Generator generator(seed);
  Chance chance(generator);
  Canvas canvas;
  Dataset part;
  part.images = Tensor::empty({count, 1, Canvas::kSide, Canvas::kSide}, DType::uint8);
  part.labels = Tensor::empty({count}, DType::int64);
  auto* const pixels = part.images.data<std::uint8_t>();
  auto* const labels = part.labels.data<std::int64_t>();
  for (std::int64_t i = 0; i < count; ++i) labels[i] = i % kDigits;
  // Fisher and Yates.
  for (std::int64_t i = count - 1; i > 0; --i) {
    std::swap(labels[i], labels[chance.below(static_cast<std::size_t>(i) + 1)]);
  }
  for (std::int64_t i = 0; i < count; ++i) {
    draw_digit(static_cast<std::size_t>(labels[i]), canvas, chance,
               pixels + static_cast<std::size_t>(i) * Canvas::kPixels);
  }
  for (std::int64_t i = 0; i < kDigits; ++i) part.class_names.push_back(std::to_string(i));
  return part;
}

DataSplit synthetic_split(const SyntheticOptions& options) {
  // Seeds of neighbouring runs must not share a part, hence not seed and seed + 1.
  constexpr std::uint64_t kTestOffset = 0x9e3779b97f4a7c15;
  return {synthetic_digits(options.train_count, options.seed),
          synthetic_digits(options.test_count, options.seed + kTestOffset)};
}

}  // namespace wick::tools
