// SPDX-License-Identifier: MIT
// Every code of the small floating-point formats, against PyTorch.
#include "wick/core/float_types.h"

#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

#include <gtest/gtest.h>

#include "tests/core/fixture.h"

namespace wick {
namespace {

using testing::FixtureReader;
using testing::fnv1a;

float canonical(float value) {
  return std::isnan(value) ? std::numeric_limits<float>::quiet_NaN() : value;
}

// The steps of probes() in generate.py.
constexpr std::array<std::uint32_t, 19> kSteps = {
    0,       1,       0xFFFFFFFF, 0x7FF,   0xFFF,    0x1000,   0x1001,   0x7FFF,   0x8000,  0x8001,
    0x7FFFF, 0x80000, 0x80001,    0xFFFFF, 0x100000, 0x100001, 0x3FFFFF, 0x400000, 0x400001};

// Every type's part of the fixture follows the one before it, so that one test walks them all.
template <typename T>
void check_all_codes(FixtureReader& fixture, const char* name) {
  using Bits = decltype(T::bits);
  constexpr int kCodes = 1 << (8 * sizeof(Bits));
  constexpr int kRun = 256;
  const auto decode = [](int code) { return to_float(T{static_cast<Bits>(code)}); };
  for (int run = 0; run < kCodes; run += kRun) {
    std::array<float, kRun> values;
    for (int i = 0; i < kRun; ++i) values[static_cast<std::size_t>(i)] = canonical(decode(run + i));
    EXPECT_EQ(fixture.take<std::uint64_t>(), fnv1a(values.data(), sizeof(values)))
        << name << " decodes codes " << run << " to " << run + kRun - 1 << " wrongly";
  }
  for (int run = 0; run < kCodes; run += kRun) {
    std::vector<Bits> codes;
    for (int i = 0; i < kRun; ++i) {
      const float value = decode(run + i);
      for (const std::uint32_t step : kSteps) {
        const auto near = std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) + step);
        const bool keep = std::isfinite(near) && std::isfinite(value);
        codes.push_back(from_float<T>(keep ? near : 0.0F).bits);
      }
    }
    EXPECT_EQ(fixture.take<std::uint64_t>(), fnv1a(codes.data(), codes.size() * sizeof(Bits)))
        << name << " encodes values around codes " << run << " to " << run + kRun - 1 << " wrongly";
  }
}

TEST(FloatTypes, EveryCodeDecodesAndRoundsAsInPyTorch) {
  FixtureReader fixture("float_types.bin");
  check_all_codes<float16>(fixture, "float16");
  check_all_codes<bfloat16>(fixture, "bfloat16");
  check_all_codes<float8_e4m3fn>(fixture, "float8_e4m3fn");
  check_all_codes<float8_e5m2>(fixture, "float8_e5m2");
  check_all_codes<float8_e4m3fnuz>(fixture, "float8_e4m3fnuz");
  check_all_codes<float8_e5m2fnuz>(fixture, "float8_e5m2fnuz");
  check_all_codes<float8_e8m0fnu>(fixture, "float8_e8m0fnu");
  EXPECT_TRUE(fixture.at_end());
}

template <typename T>
void check_round_trip(int codes) {
  for (int code = 0; code < codes; ++code) {
    const T value{static_cast<decltype(T::bits)>(code)};
    if (std::isnan(to_float(value))) continue;
    ASSERT_EQ(from_float<T>(to_float(value)).bits, value.bits) << "code " << code;
  }
}

TEST(FloatTypes, EveryNumberSurvivesARoundTrip) {
  check_round_trip<float16>(1 << 16);
  check_round_trip<bfloat16>(1 << 16);
  check_round_trip<float8_e4m3fn>(256);
  check_round_trip<float8_e5m2>(256);
  check_round_trip<float8_e4m3fnuz>(256);
  check_round_trip<float8_e5m2fnuz>(256);
  check_round_trip<float8_e8m0fnu>(256);
}

TEST(FloatTypes, SpecialValues) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(from_float<float16>(kInf).bits, 0x7C00);
  EXPECT_EQ(from_float<float16>(-kInf).bits, 0xFC00);
  EXPECT_EQ(from_float<float16>(65520.0F).bits, 0x7C00) << "rounds to infinity";
  EXPECT_EQ(from_float<float16>(65519.0F).bits, 0x7BFF) << "rounds to the largest number";
  EXPECT_EQ(from_float<bfloat16>(kInf).bits, 0x7F80);
  EXPECT_EQ(from_float<bfloat16>(3.4e38F).bits, 0x7F80);
  EXPECT_EQ(from_float<float8_e5m2>(-kInf).bits, 0xFC);
  EXPECT_EQ(from_float<float8_e4m3fn>(kInf).bits, 0x7E) << "no infinity: the largest number";
  EXPECT_EQ(from_float<float8_e4m3fn>(-1e30F).bits, 0xFE);
  EXPECT_EQ(from_float<float8_e4m3fn>(kNan).bits & 0x7F, 0x7F);
  EXPECT_EQ(from_float<float8_e4m3fn>(-0.0F).bits, 0x80);
  EXPECT_EQ(from_float<float8_e4m3fnuz>(-0.0F).bits, 0x00) << "no negative zero";
  EXPECT_EQ(from_float<float8_e5m2fnuz>(kInf).bits, 0x80) << "the one NaN";
  EXPECT_EQ(from_float<float8_e8m0fnu>(kNan).bits, 0xFF);
  EXPECT_TRUE(std::isnan(to_float(from_float<float16>(kNan))));
  EXPECT_TRUE(std::isnan(to_float(from_float<bfloat16>(kNan))));
  EXPECT_TRUE(std::isnan(to_float(from_float<float8_e4m3fn>(kNan))));
  EXPECT_TRUE(std::isnan(to_float(from_float<float8_e5m2>(kNan))));
  EXPECT_EQ(to_float(float16{0x0001}), 0x1p-24F) << "the smallest subnormal";
  EXPECT_EQ(to_float(float16{0x3555}), 0.333251953125F);
  EXPECT_EQ(to_float(float8_e4m3fn{0x7E}), 448.0F);
  EXPECT_EQ(to_float(float8_e5m2{0x7B}), 57344.0F);
  EXPECT_EQ(to_float(float8_e8m0fnu{0x7F}), 1.0F);
}

}  // namespace
}  // namespace wick
