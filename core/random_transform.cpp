// SPDX-License-Identifier: MIT
// Compiled without contraction of a * b + c: where PyTorch's binary fuses, std::fma says so here.
#include "core/random_transform.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>

#include "core/fused.h"

namespace wick::detail {
namespace {

constexpr std::size_t kLanes = 8;

// Natural logarithm of a positive normal number, after Cephes' logf (Moshier 1984), to about one
// unit in the last place.
[[gnu::always_inline]] inline float cephes_log(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  // x = mantissa * 2^exponent with the mantissa in [sqrt(1/2), sqrt(2)). Where it is small, it is
  // doubled; by integers and masks: a branch here would keep the loop around from using vectors.
  constexpr auto kSqrtHalf = std::bit_cast<std::uint32_t>(0.707106781186547524F);
  const std::uint32_t half_bits = (bits & 0x007FFFFFU) | 0x3F000000U;  // in [1/2, 1)
  const std::uint32_t small = half_bits < kSqrtHalf ? 1U : 0U;
  const float t =
      (std::bit_cast<float>(half_bits) - 1.0F) + std::bit_cast<float>(half_bits & (0U - small));
  const auto exponent = static_cast<float>(static_cast<std::int32_t>((bits >> 23) - small) - 126);
  const float square = t * t;
  float y = 7.0376836292E-2F;
  y = std::fma(y, t, -1.1514610310E-1F);
  y = std::fma(y, t, 1.1676998740E-1F);
  y = std::fma(y, t, -1.2420140846E-1F);
  y = std::fma(y, t, 1.4249322787E-1F);
  y = std::fma(y, t, -1.6668057665E-1F);
  y = std::fma(y, t, 2.0000714765E-1F);
  y = std::fma(y, t, -2.4999993993E-1F);
  y = std::fma(y, t, 3.3333331174E-1F);
  // log 2 in two parts, so that the products with the exponent lose nothing.
  y = std::fma(y * t, square, exponent * -2.12194440E-4F);
  y = std::fma(-square, 0.5F, y);
  return std::fma(exponent, 0.693359375F, t + y);
}

struct SinCos {
  float sin;
  float cos;
};

// Sine and cosine of x in [0, 2 pi], after Cephes' sinf and cosf.
[[gnu::always_inline]] inline SinCos cephes_sincos(float x) {
  // The octant, rounded up to even, says which polynomial and which sign.
  const std::int32_t octant = (static_cast<std::int32_t>(x * 1.27323954473516F) + 1) & ~1;
  const auto turns = static_cast<float>(octant);
  // x - turns * pi / 4 in three parts.
  x = std::fma(turns, -0.78515625F, x);
  x = std::fma(turns, -2.4187564849853515625E-4F, x);
  x = std::fma(turns, -3.77489497744594108E-8F, x);
  const float square = x * x;
  float c = 2.443315711809948E-5F;
  c = std::fma(c, square, -1.388731625493765E-3F);
  c = std::fma(c, square, 4.166664568298827E-2F);
  c = std::fma(c * square, square, -(square * 0.5F)) + 1.0F;
  float s = -1.9515295891E-4F;
  s = std::fma(s, square, 8.3321608736E-3F);
  s = std::fma(s, square, -1.6666654611E-1F);
  s = std::fma(s * square, x, x);
  // Chosen by mask: a branch here would keep the loop around from using vectors.
  const std::uint32_t swap = 0U - (static_cast<std::uint32_t>(octant >> 1) & 1U);
  const auto s_bits = std::bit_cast<std::uint32_t>(s);
  const auto c_bits = std::bit_cast<std::uint32_t>(c);
  const std::uint32_t sin_bits = (c_bits & swap) | (s_bits & ~swap);
  const std::uint32_t cos_bits = (s_bits & swap) | (c_bits & ~swap);
  const auto sin_sign = static_cast<std::uint32_t>(octant & 4) << 29;
  const auto cos_sign = static_cast<std::uint32_t>(~(octant - 2) & 4) << 29;
  return {std::bit_cast<float>(sin_bits ^ sin_sign), std::bit_cast<float>(cos_bits ^ cos_sign)};
}

// Pairs are put side by side first, so that one long loop is left for the compiler's vectors.
[[gnu::always_inline]] inline void normal_body(float* data, std::size_t count, float mean,
                                               float deviation) {
  constexpr auto kTwoPi = static_cast<float>(2.0 * std::numbers::pi);
  constexpr std::size_t kMaxPairs = 32 * kLanes;
  std::array<float, kMaxPairs> first;
  std::array<float, kMaxPairs> second;
  while (count > 0) {
    const std::size_t pairs = std::min(count / 2, kMaxPairs);
    for (std::size_t i = 0; i < pairs; i += kLanes) {
      std::copy_n(data + 2 * i, kLanes, first.data() + i);
      std::copy_n(data + 2 * i + kLanes, kLanes, second.data() + i);
    }
    for (std::size_t i = 0; i < pairs; ++i) {
      // [0, 1) becomes (0, 1] for the logarithm.
      const float radius = std::sqrt(-2.0F * cephes_log(1.0F - first[i]));
      const SinCos angle = cephes_sincos(kTwoPi * second[i]);
      first[i] = std::fma(radius * angle.cos, deviation, mean);
      second[i] = std::fma(radius * angle.sin, deviation, mean);
    }
    for (std::size_t i = 0; i < pairs; i += kLanes) {
      std::copy_n(first.data() + i, kLanes, data + 2 * i);
      std::copy_n(second.data() + i, kLanes, data + 2 * i + kLanes);
    }
    data += 2 * pairs;
    count -= 2 * pairs;
  }
}

[[gnu::always_inline]] inline void uniform_body(const std::uint32_t* words, std::size_t count,
                                                float low, float high, float* out) {
  const float range = high - low;
  for (std::size_t i = 0; i < count; ++i) {
    const auto bits = static_cast<float>(static_cast<std::int32_t>(words[i] & 0xFFFFFFU));
    const float value = std::fma(bits * 0x1p-24F, range, low);
    out[i] = value == high ? low : value;
  }
}

[[gnu::always_inline]] inline void uniform_body(const std::uint32_t* words, std::size_t count,
                                                double low, double high, double* out) {
  const double range = high - low;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t bits = (std::uint64_t{words[2 * i] & 0x1FFFFFU} << 32) | words[2 * i + 1];
    const double unit = static_cast<double>(static_cast<std::int64_t>(bits)) * 0x1p-53;
    const double value = std::fma(unit, range, low);
    out[i] = value == high ? low : value;
  }
}

}  // namespace

void uniform_from_bits(const std::uint32_t* words, std::size_t count, float low, float high,
                       float* out) {
  run_fused([=]() __attribute__((always_inline)) { uniform_body(words, count, low, high, out); });
}

void uniform_from_bits(const std::uint32_t* words, std::size_t count, double low, double high,
                       double* out) {
  run_fused([=]() __attribute__((always_inline)) { uniform_body(words, count, low, high, out); });
}

void normal_from_uniform(float* data, std::size_t count, float mean, float deviation) {
  run_fused([=]() __attribute__((always_inline)) { normal_body(data, count, mean, deviation); });
}

void normal_from_uniform(double* data, std::size_t count, double mean, double deviation) {
  for (std::size_t i = 0; i < count; i += 2 * kLanes) {
    for (double *first = data + i, *const end = first + kLanes; first < end; ++first) {
      double& second = first[kLanes];
      const double radius = std::sqrt(-2.0 * std::log(1.0 - *first));
      const double angle = 2.0 * std::numbers::pi * second;
      *first = std::fma(radius * std::cos(angle), deviation, mean);
      second = std::fma(radius * std::sin(angle), deviation, mean);
    }
  }
}

}  // namespace wick::detail
