// SPDX-License-Identifier: MIT
#include "wick/core/text.h"

#include <cmath>
#include <cstdio>
#include <limits>
#include <random>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/foreign_locale.h"
#include "wick/core/tensor.h"

namespace wick {
namespace {

template <typename... Args>
std::string printed(const char* pattern, Args... args) {
  std::array<char, 512> buffer{};
  EXPECT_LT(std::snprintf(buffer.data(), buffer.size(), pattern, args...), 512);
  return buffer.data();
}

template <typename T>
std::string streamed(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

std::vector<double> some_numbers() {
  std::vector<double> numbers = {0.0,
                                 -0.0,
                                 1.0,
                                 0.1,
                                 1234.5,
                                 1e6,
                                 1e5,
                                 999999.5,
                                 1e300,
                                 -2.5,
                                 5e-324,
                                 std::numeric_limits<double>::infinity(),
                                 -std::numeric_limits<double>::infinity()};
  std::mt19937_64 random(7);  // NOLINT(*-msc51-cpp): the same numbers each time
  for (int i = 0; i < 1000; ++i) {
    const double number = std::bit_cast<double>(random());
    if (!std::isnan(number)) numbers.push_back(number);
  }
  return numbers;
}

TEST(Text, NumbersAreThoseOfPrintfAndOfStreams) {
  for (const double number : some_numbers()) {
    EXPECT_EQ(concat(number), streamed(number));
    EXPECT_EQ(concat(static_cast<float>(number)), streamed(static_cast<float>(number)));
    for (const int digits : {0, 1, 4, 6, 17}) {
      EXPECT_EQ(fixed_point(number, digits), printed("%.*f", digits, number));
      EXPECT_EQ(significant(number, digits), printed("%.*g", digits, number));
    }
  }
  EXPECT_EQ(concat(std::nan("")), "nan");
  EXPECT_EQ(zero_padded(255, 8, 16), "000000ff");
  EXPECT_EQ(zero_padded(~std::uint64_t{0}, 20), "18446744073709551615");
  EXPECT_EQ(zero_padded(1234, 3), "1234");
}

TEST(Text, EverythingElseIsAsOnAStream) {
  const std::string text = "text";
  const char* const none = nullptr;
  EXPECT_EQ(concat(text, ' ', std::string_view("view"), true, false, -5, 7U), "text view10-57");
  EXPECT_EQ(concat(std::numeric_limits<std::int64_t>::min(), '/', ~std::uint64_t{0}),
            "-9223372036854775808/18446744073709551615");
  EXPECT_EQ(concat(std::uint8_t{65}, none), "65(null)") << "a small number is a number";
  EXPECT_EQ(concat(Dims{2, 3}, Tensor::zeros({1000})), "[2, 3]Tensor(float32 [1000] cpu)");
  EXPECT_EQ(concat(), "");
}

// Python 3.11's repr() of the same numbers.
TEST(Text, PythonsFloats) {
  EXPECT_EQ(python_repr(0.0), "0.0");
  EXPECT_EQ(python_repr(-0.0), "-0.0");
  EXPECT_EQ(python_repr(1.0), "1.0");
  EXPECT_EQ(python_repr(0.1), "0.1");
  EXPECT_EQ(python_repr(1e-5), "1e-05");
  EXPECT_EQ(python_repr(0.0001), "0.0001");
  EXPECT_EQ(python_repr(123456.789), "123456.789");
  EXPECT_EQ(python_repr(1e15), "1000000000000000.0");
  EXPECT_EQ(python_repr(1e16), "1e+16");
  EXPECT_EQ(python_repr(1.5e300), "1.5e+300");
  EXPECT_EQ(python_repr(5e-324), "5e-324");
  EXPECT_EQ(python_repr(std::nan("")), "nan");
  EXPECT_EQ(python_repr(-std::numeric_limits<double>::infinity()), "-inf");
  EXPECT_EQ(scientific(12345.678, 2), "1.23e+04");
  EXPECT_EQ(python_tuple({2, 3}), "(2, 3)");
  EXPECT_EQ(python_tuple({2}), "(2,)");
  EXPECT_EQ(python_tuple({}), "()");
}

TEST(Text, NoLocaleChangesIt) {
  const testing::ForeignLocale foreign;
  EXPECT_EQ(streamed(1234567), "1.234.567") << "the locale is there";
  EXPECT_EQ(concat(1234567, ' ', 0.5, ' ', std::size_t{100000}), "1234567 0.5 100000");
  EXPECT_EQ(concat(Dims{123456, 2}, Tensor::zeros({1000})),
            "[123456, 2]Tensor(float32 [1000] cpu)");
  EXPECT_EQ(streamed(Dims{123456}), "[123456]");
  EXPECT_EQ(streamed(Tensor::full({2}, 1234.5)), "tensor([1234.5000, 1234.5000])");
  EXPECT_EQ(streamed(Device{DeviceType::cuda, 1000}), "cuda:1000");
  EXPECT_EQ(fixed_point(1234.5, 2), "1234.50");
  EXPECT_EQ(significant(1234.5, 6), "1234.5");
  EXPECT_EQ(zero_padded(0xabcdef01, 10, 16), "00abcdef01");
  testing::expect_throw_with<ShapeError>(
      [] { static_cast<void>(Tensor::zeros({1000}).view({1234})); },
      "shape [1234] does not hold the 1000 elements");
}

}  // namespace
}  // namespace wick
