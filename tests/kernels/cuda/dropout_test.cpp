// SPDX-License-Identifier: MIT
// Dropout against a plain loop over the order in which PyTorch's fused kernel draws.
#include "kernels/cuda/philox.cuh"
#include "tests/kernels/cuda/device.h"
#include "wick/core/backend/random.h"

namespace wick::testing {
namespace {

template <typename T>
class CudaDropout : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(CudaDropout, Types);

// Four multiprocessors of 2048 threads: at most 32 blocks of 256.
constexpr std::int64_t kMostThreads = 32 * 256;
constexpr std::uint64_t kSeed = 42;

// The number that decides on element i of `count`, where a thread has `neighbours` at a time.
double number_of(std::int64_t i, std::int64_t count, std::int64_t neighbours) {
  const std::int64_t threads = std::min((count + 255) / 256 * 256, kMostThreads);
  std::int64_t thread = i % threads;
  std::int64_t draw = i / threads / 4;
  std::int64_t word = i / threads % 4;
  if (neighbours > 1) {
    thread = i / neighbours % threads;
    draw = i / neighbours / threads;
    word = i % neighbours;
  }
  const cuda::PhiloxWords words = cuda::philox(
      {{static_cast<std::uint32_t>(2 + draw), 0, static_cast<std::uint32_t>(thread), 0}}, kSeed);
  return (words.w[word] + 0.5) * 0x1p-32;
}

struct Places {
  std::int64_t x, y, mask;  // how far off an aligned address
};

TYPED_TEST(CudaDropout, DrawsInPyTorchsOrder) {
  using T = TypeParam;
  const double p = 0.3;
  for (const std::int64_t count : {1, 2, 6, 255, 1000, 32'772, 70'001, 70'002}) {
    for (const Places at : {Places{0, 0, 0}, {1, 0, 0}, {2, 0, 0}, {0, 1, 0}, {0, 0, 1}}) {
      const std::vector<T> values = random_values<T>(count, 1);
      const auto actual = in_every_order([&] {
        const Context context;
        const DeviceArray<T> x(values, at.x);
        const DeviceArray<T> y(count, at.y);
        const DeviceArray<unsigned char> mask(count, at.mask);
        require(cuda::launch_dropout({.dtype = dtype_of<T>,
                                      .count = count,
                                      .x = x.data(),
                                      .y = y.data(),
                                      .mask = mask.data(),
                                      .p = p},
                                     {kSeed, 8}, {}, context));
        std::vector<T> result = y.download();
        for (const unsigned char kept : mask.download()) result.push_back(T(kept));
        // The gradient by the same mask.
        require(cuda::launch_masked_scale({.dtype = dtype_of<T>,
                                           .count = count,
                                           .x = x.data(),
                                           .mask = mask.data(),
                                           .scale = 1.0 / (1.0 - p),
                                           .y = y.data()},
                                          context));
        const std::vector<T> again = y.download();
        result.insert(result.end(), again.begin(), again.end());
        return result;
      });
      std::int64_t neighbours = 16 / static_cast<std::int64_t>(sizeof(T));
      while (neighbours > 1 && (at.x % neighbours != 0 || count % neighbours != 0)) neighbours /= 2;
      for (std::int64_t i = 0; i < count; ++i) {
        const auto k = static_cast<std::size_t>(i);
        const auto n = static_cast<std::size_t>(count);
        const double number = number_of(i, count, neighbours);
        if (std::abs(number - 0.7) > 1e-6) {
          ASSERT_EQ(actual[n + k], number < 0.7 ? T{1} : T{0}) << count << " element " << i;
        }
        const double expected = static_cast<double>(values[k] * actual[n + k]) / 0.7;
        ASSERT_NEAR(static_cast<double>(actual[k]), expected, 1e-6);
        ASSERT_NEAR(static_cast<double>(actual[2 * n + k]), expected, 1e-6);
      }
    }
  }
}

TYPED_TEST(CudaDropout, MovesTheOffsetAsPyTorchDoes) {
  const Context context;
  EXPECT_EQ(cuda::dropout_advance(0, context), 0U);
  EXPECT_EQ(cuda::dropout_advance(1, context), 4U);
  EXPECT_EQ(cuda::dropout_advance(4 * kMostThreads, context), 4U);
  EXPECT_EQ(cuda::dropout_advance(4 * kMostThreads + 1, context), 8U);
}

}  // namespace
}  // namespace wick::testing
