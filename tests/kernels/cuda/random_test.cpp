// SPDX-License-Identifier: MIT
// Philox against its authors' known answers, and the kernels against a plain loop over PyTorch's
// order of draws.
#include "kernels/cuda/random.cuh"

#include "tests/kernels/cuda/device.h"

namespace wick::testing {
namespace {

// From Random123's kat_vectors: "philox4x32 10".
TEST(CudaPhilox, KnownAnswers) {
  const auto check = [](cuda::PhiloxWords counter, std::uint64_t key,
                        const std::vector<std::uint32_t>& expected) {
    const cuda::PhiloxWords words = cuda::philox(counter, key);
    EXPECT_EQ(std::vector<std::uint32_t>(words.w, words.w + 4), expected);
  };
  check({{0, 0, 0, 0}}, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  check({{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}}, 0xffffffffffffffffULL,
        {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  check({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0x299f31d0a4093822ULL,
        {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

template <typename T>
class CudaRandom : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(CudaRandom, Types);

// Four multiprocessors of 2048 threads: at most 32 blocks of 256.
constexpr std::int64_t kMostThreads = 32 * 256;

TYPED_TEST(CudaRandom, DrawsInPyTorchsOrder) {
  using T = TypeParam;
  for (const std::int64_t count : {0, 1, 255, 1000, 50'000}) {
    const cuda::PhiloxState state{42, 8};
    const auto actual = in_every_order([&] {
      const Context context;
      const DeviceArray<T> out(count);
      require(cuda::launch_uniform(dtype_of<T>, out.data(), count, -1.0, 3.0, state, {}, context));
      return out.download();
    });
    const std::int64_t threads = std::min((count + 255) / 256 * 256, kMostThreads);
    const int drawn = sizeof(T) == 4 ? 4 : 2;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t thread = i % threads;
      const std::int64_t draw = i / threads / drawn;
      const auto k = static_cast<std::size_t>(i / threads % drawn);
      const cuda::PhiloxWords words = cuda::philox(
          {{static_cast<std::uint32_t>(2 + draw), 0, static_cast<std::uint32_t>(thread), 0}}, 42);
      double unit = (words.w[k] + 0.5) * 0x1p-32;
      if (drawn == 2) {
        const std::uint64_t bits = words.w[2 * k] ^ (std::uint64_t{words.w[2 * k + 1]} << 21);
        unit = (static_cast<double>(bits) + 0.5) * 0x1p-53;
      }
      ASSERT_NEAR(static_cast<double>(actual[static_cast<std::size_t>(i)]), unit * 4.0 - 1.0, 1e-6);
      ASSERT_LT(actual[static_cast<std::size_t>(i)], T{3});
    }
    const Context context;
    const std::int64_t per_round = threads * drawn;
    EXPECT_EQ(cuda::philox_advance(dtype_of<T>, count, context),
              count == 0 ? 0U : 4U * static_cast<unsigned>((count - 1) / per_round + 1));
  }
}

TYPED_TEST(CudaRandom, NormalNumbersHaveTheirMoments) {
  using T = TypeParam;
  const std::int64_t count = 40'000;
  const auto values = in_every_order([&] {
    const Context context;
    const DeviceArray<T> out(count);
    require(cuda::launch_normal(dtype_of<T>, out.data(), count, 2.0, 3.0, {7, 0}, {}, context));
    return out.download();
  });
  double sum = 0.0;
  double squares = 0.0;
  double fourth = 0.0;
  for (const T value : values) {
    const double z = (static_cast<double>(value) - 2.0) / 3.0;
    sum += z;
    squares += z * z;
    fourth += z * z * z * z;
  }
  const double n = static_cast<double>(count);
  EXPECT_NEAR(sum / n, 0.0, 4.0 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1.0, 4.0 * std::sqrt(2.0 / n));
  EXPECT_NEAR(fourth / n, 3.0, 4.0 * std::sqrt(96.0 / n));
}

TYPED_TEST(CudaRandom, TheStreamGoesOnAtItsOffset) {
  using T = TypeParam;
  const Context context;
  const auto draw = [&](std::uint64_t offset) {
    const DeviceArray<T> out(500);
    require(cuda::launch_uniform(dtype_of<T>, out.data(), 500, 0.0, 1.0, {1, offset}, {}, context));
    return out.download();
  };
  EXPECT_EQ(draw(0), draw(0));
  EXPECT_NE(draw(0), draw(cuda::philox_advance(dtype_of<T>, 500, context)));
}

}  // namespace
}  // namespace wick::testing
