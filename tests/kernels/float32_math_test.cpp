// SPDX-License-Identifier: MIT
// The functions of kernels/formulas/float32_math.h against the C library's in float64, over all
// exponents of float32.
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "tests/kernels/math_reference.h"

namespace wick::testing {
namespace {

// Every power of two and what is beside it, and random mantissas; of both signs, subnormal too.
std::vector<float> numbers_of_all_exponents(std::mt19937_64& random, int per_exponent) {
  std::vector<float> x;
  for (std::uint32_t exponent = 0; exponent < 255; ++exponent) {
    for (int i = 0; i < per_exponent; ++i) {
      const auto mantissa = i == 0   ? 0U
                            : i == 1 ? 1U
                            : i == 2 ? 0x7FFFFFU
                                     : static_cast<std::uint32_t>(random()) & 0x7FFFFFU;
      const std::uint32_t bits = exponent << 23 | mantissa;
      x.push_back(std::bit_cast<float>(bits));
      x.push_back(std::bit_cast<float>(bits | 0x80000000U));
    }
  }
  return x;
}

void expect_accurate(const Checked& checked, const MathFunctions& functions,
                     const std::vector<float>& x) {
  std::vector<float> y(x.size());
  (functions.*checked.function)(x.data(), y.data(), x.size());
  std::int64_t worst = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::int64_t error = distance(y[i], checked.reference(static_cast<double>(x[i])));
    if (error > worst) {
      worst = error;
      at = i;
    }
  }
  EXPECT_LE(worst, 2) << checked.name << ", " << functions.name << ": of " << x[at] << " it is "
                      << y[at] << ", not " << checked.reference(static_cast<double>(x[at]));
}

TEST(Float32Math, IsWithinTwoUlpOverAllExponents) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  const std::vector<float> x = numbers_of_all_exponents(random, 1504);
  for (const MathFunctions* const functions : all_functions()) {
    for (const Checked& checked : kChecked) expect_accurate(checked, *functions, x);
  }
}

// Where results are neither 0, 1 nor infinite, most exponents have nothing to say.
TEST(Float32Math, IsWithinTwoUlpWhereResultsVary) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (const float limit : {1.0F, 4.0F, 20.0F, 110.0F}) {
    std::vector<float> x(150'000);
    std::uniform_real_distribution<float> uniform(-limit, limit);
    for (float& value : x) value = uniform(random);
    for (const MathFunctions* const functions : all_functions()) {
      for (const Checked& checked : kChecked) expect_accurate(checked, *functions, x);
    }
  }
}

std::vector<float> steps(float from, float to, std::size_t count) {
  std::vector<float> x(count);
  for (std::size_t i = 0; i < count; ++i) {
    x[i] = from + (to - from) * static_cast<float>(i) / static_cast<float>(count - 1);
  }
  return x;
}

TEST(Float32Math, LogarithmOfOnePlusAFractionIsWithinTwoUlp) {
  std::vector<float> x = steps(0.0F, 1.0F, 300'001);
  for (float tiny = 1.0F; tiny > 1e-40F; tiny *= 0.7F) x.push_back(tiny);
  const Checked checked{"log1p_of_fraction", &MathFunctions::log1p_of_fraction, std::log1p};
  for (const MathFunctions* const functions : all_functions()) {
    expect_accurate(checked, *functions, x);
  }
}

TEST(Float32Math, NormalDistributionIsNearEverywhereAndFarOutRelatively) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> x = steps(-16.0F, 16.0F, 300'001);
  x.insert(x.end(), {kInfinity, -kInfinity, 1e30F, -1e30F, 0.0F, -0.0F});
  for (const MathFunctions* const functions : all_functions()) {
    std::vector<float> distribution(x.size());
    std::vector<float> density(x.size());
    functions->normal_distribution(x.data(), distribution.data(), x.size());
    functions->normal_density(x.data(), density.data(), x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto exact = static_cast<double>(x[i]);
      const double below = 0.5 * std::erfc(-exact * std::sqrt(0.5));
      const double error = std::abs(static_cast<double>(distribution[i]) - below);
      ASSERT_LE(error, 0x1p-22) << functions->name << ", " << x[i];
      if (x[i] > -6.0F) {
        ASSERT_LE(error, 0x1p-11 * below) << functions->name << ", " << x[i];
      }
      ASSERT_NEAR(static_cast<double>(density[i]), std::exp(-0.5 * exact * exact), 0x1p-22)
          << functions->name << ", " << x[i];
    }
    const float kNaN = std::numeric_limits<float>::quiet_NaN();
    float result = 0.0F;
    functions->normal_distribution(&kNaN, &result, 1);
    EXPECT_TRUE(std::isnan(result)) << functions->name;
    functions->normal_density(&kNaN, &result, 1);
    EXPECT_TRUE(std::isnan(result)) << functions->name;
  }
}

TEST(Float32Math, SpecialValuesAreTheLibrarys) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  constexpr float kLargest = std::numeric_limits<float>::max();
  constexpr float kSmallest = std::numeric_limits<float>::denorm_min();
  std::vector<float> x = {0.0F,         -0.0F,      kInfinity, -kInfinity, kNaN,      -kNaN,
                          1.0F,         -1.0F,      kLargest,  -kLargest,  kSmallest, -kSmallest,
                          88.72284F,    88.722847F, -103.972F, -104.0F,    -103.98F,  -87.4F,
                          -2.0F,        0x1p-126F,  0x1p25F,   0x1p24F,    90.0F,     1e30F,
                          -0x1p-24F,    0x1p-24F,   0.5F,      2.0F,       10.0F,     -10.0F,
                          -0.99999994F, -1.0000001F};
  for (const MathFunctions* const functions : all_functions()) {
    for (const Checked& checked : kChecked) {
      std::vector<float> y(x.size());
      (functions->*checked.function)(x.data(), y.data(), x.size());
      for (std::size_t i = 0; i < x.size(); ++i) {
        const auto expected = static_cast<float>(checked.reference(static_cast<double>(x[i])));
        SCOPED_TRACE(::testing::Message()
                     << checked.name << " of " << x[i] << ", " << functions->name << ": " << y[i]);
        EXPECT_LE(distance(y[i], checked.reference(static_cast<double>(x[i]))), 2);
        EXPECT_EQ(std::isinf(y[i]), std::isinf(expected));
        const bool loses_sign = checked.function == &MathFunctions::expm1 && x[i] == 0.0F;
        if (expected == 0.0F && y[i] == 0.0F && !loses_sign) {
          EXPECT_EQ(std::signbit(y[i]), std::signbit(expected));
        }
      }
    }
  }
}

}  // namespace
}  // namespace wick::testing
