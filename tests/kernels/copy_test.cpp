// SPDX-License-Identifier: MIT
// Strided copies with many dimensions; the conversions themselves are checked in tests/core.
#include "kernels/cpu/copy.h"

#include <gtest/gtest.h>

namespace wick {
namespace {

TEST(CopyStrided, AgreesWithIndexingInEveryOrderOfDimensions) {
  constexpr std::int64_t kSizes[4] = {2, 3, 1, 5};
  std::vector<std::int32_t> source(200);
  for (std::size_t i = 0; i < source.size(); ++i) source[i] = static_cast<std::int32_t>(i);
  const Dims shape{kSizes[0], kSizes[1], kSizes[2], kSizes[3]};
  const std::vector<Dims> layouts = {
      {15, 5, 5, 1}, {1, 2, 6, 6}, {0, 5, 1, 1}, {60, 20, 3, 4}, {0, 0, 0, 0}};
  for (const Dims& from : layouts) {
    for (const Dims& to : {layouts[0], layouts[1], layouts[3]}) {
      std::vector<double> result(200, -1.0);
      cpu::copy_strided({result.data(), DType::float64, shape, to},
                        {source.data(), DType::int32, shape, from});
      std::vector<double> expected(200, -1.0);
      for (std::int64_t a = 0; a < kSizes[0]; ++a) {
        for (std::int64_t b = 0; b < kSizes[1]; ++b) {
          for (std::int64_t d = 0; d < kSizes[3]; ++d) {
            expected[static_cast<std::size_t>(a * to[0] + b * to[1] + d * to[3])] =
                source[static_cast<std::size_t>(a * from[0] + b * from[1] + d * from[3])];
          }
        }
      }
      EXPECT_EQ(result, expected);
    }
  }
}

TEST(CopyStrided, EqualDTypesKeepEveryBit) {
  // Signalling NaNs and other patterns that a float register could change.
  const std::vector<std::uint32_t> bits = {0x7F800001, 0xFFC00001, 0x80000000, 1, 0x7FFFFFFF};
  std::vector<std::uint32_t> out(5);
  std::vector<std::uint32_t> strided(10);
  cpu::copy_strided({out.data(), DType::float32, {5}, {1}},
                    {const_cast<std::uint32_t*>(bits.data()), DType::float32, {5}, {1}});
  EXPECT_EQ(out, bits);
  cpu::copy_strided({strided.data(), DType::float32, {5}, {2}},
                    {const_cast<std::uint32_t*>(bits.data()), DType::float32, {5}, {1}});
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(strided[2 * i], bits[i]);
}

TEST(CopyStrided, NothingToCopy) {
  cpu::copy_strided({nullptr, DType::float32, {3, 0}, {0, 1}},
                    {nullptr, DType::int8, {3, 0}, {0, 1}});
}

}  // namespace
}  // namespace wick
