// SPDX-License-Identifier: MIT
// Conversions between float32 and bfloat16 have the bits of core's, in every instruction set.
#include <bit>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/kernels/reference.h"
#include "wick/core/backend/memory.h"
#include "wick/core/float_types.h"

namespace wick {
namespace {

TEST(ConvertBfloat16, WidensAllNumbers) {
  std::vector<std::uint16_t> bits(1 << 16);
  for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<std::uint16_t>(i);
  for (const cpu::Level& level : cpu::available_levels()) {
    // At once, and in runs that fill no vector.
    for (const std::size_t run : {bits.size(), std::size_t{1}, std::size_t{7}, std::size_t{13}}) {
      std::vector<float> wide(bits.size() + 1, -5.0F);
      for (std::size_t i = 0; i < bits.size(); i += run) {
        level.float32->widen(bits.data() + i, wide.data() + i,
                             static_cast<std::int64_t>(std::min(run, bits.size() - i)));
      }
      for (std::size_t i = 0; i < bits.size(); ++i) {
        ASSERT_EQ(std::bit_cast<std::uint32_t>(wide[i]), i << 16) << level.float32->name;
      }
      EXPECT_EQ(wide.back(), -5.0F);
    }
  }
}

// Around every bfloat16: itself, ties, and their neighbours. NaN, infinity and denormals are among
// them.
TEST(ConvertBfloat16, RoundsAsCoreDoes) {
  std::vector<float> values;
  for (std::uint32_t upper = 0; upper < 1 << 16; ++upper) {
    for (const std::uint32_t lower : {0U, 1U, 0x7FFFU, 0x8000U, 0x8001U, 0xFFFFU}) {
      values.push_back(std::bit_cast<float>(upper << 16 | lower));
    }
  }
  values.push_back(1.0F);  // an odd number of them
  for (const cpu::Level& level : cpu::available_levels()) {
    std::vector<std::uint16_t> rounded(values.size() + 1, 77);
    level.float32->round(values.data(), rounded.data(), static_cast<std::int64_t>(values.size()));
    for (std::size_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(rounded[i], from_float<bfloat16>(values[i]).bits)
          << level.float32->name << ' ' << std::bit_cast<std::uint32_t>(values[i]);
    }
    EXPECT_EQ(rounded.back(), 77);
  }
}

// Rows with gaps, and columns, on one thread and on several.
TEST(ConvertBfloat16, OfAnyLayout) {
  constexpr std::int64_t kRows = 301;
  constexpr std::int64_t kCols = 523;
  Generator generator(1);
  const testing::Matrix from = testing::Matrix::random(kRows, kCols, generator, 5);
  for (const auto& backend : testing::all_levels()) {
    for (const int threads : {1, 3}) {
      backend->set_num_threads(threads);
      for (const bool transposed : {false, true}) {
        std::vector<bfloat16> narrow(static_cast<std::size_t>(kRows * kCols));
        testing::Matrix back(kRows, kCols, 2);
        const Dims shape = {kRows, kCols};
        const StridedRef dense{narrow.data(), DType::bfloat16, shape,
                               transposed ? Dims{1, kRows} : Dims{kCols, 1}};
        backend->copy_strided(
            dense, {const_cast<float*>(from.data.data()), DType::float32, shape, {from.stride, 1}});
        backend->copy_strided({back.data.data(), DType::float32, shape, {back.stride, 1}}, dense);
        for (std::int64_t r = 0; r < kRows; ++r) {
          for (std::int64_t c = 0; c < kCols; ++c) {
            const bfloat16 expected = from_float<bfloat16>(from.at(r, c));
            const std::int64_t at = transposed ? c * kRows + r : r * kCols + c;
            ASSERT_EQ(narrow[static_cast<std::size_t>(at)].bits, expected.bits);
            ASSERT_EQ(back.at(r, c), to_float(expected));
          }
        }
        EXPECT_TRUE(back.gaps_intact());
      }
    }
  }
}

}  // namespace
}  // namespace wick
