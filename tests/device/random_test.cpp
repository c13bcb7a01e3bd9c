// SPDX-License-Identifier: MIT
// A generator on a device: PyTorch's numbers, drawn where they are wanted, and its state.
#include <cstring>

#include <cuda_runtime_api.h>

#include "tests/device/small_training.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/core/recording.h"

namespace wick {
namespace {

using testing::expect_throw_with;
using testing::kCuda;
using testing::kSecondCuda;
using testing::OnDevice;
using testing::OnTwoDevices;

using RandomOnDevice = OnDevice;

// Philox4x32-10 by its paper, word `word` of what thread `thread` draws at `position`.
std::uint32_t philox_word(std::uint64_t seed, std::uint64_t position, std::uint64_t thread,
                          std::size_t word) {
  std::array<std::uint64_t, 4> c{position & 0xFFFFFFFF, position >> 32, thread & 0xFFFFFFFF,
                                 thread >> 32};
  std::uint64_t key0 = seed & 0xFFFFFFFF;
  std::uint64_t key1 = seed >> 32;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = 0xD2511F53ULL * c[0];
    const std::uint64_t b = 0xCD9E8D57ULL * c[2];
    c = {(b >> 32) ^ c[1] ^ key0, b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ key1, a & 0xFFFFFFFF};
    key0 = (key0 + 0x9E3779B9) & 0xFFFFFFFF;
    key1 = (key1 + 0xBB67AE85) & 0xFFFFFFFF;
  }
  return static_cast<std::uint32_t>(c[word]);
}

// The threads of the grid that draws `count` numbers. PyTorch: calc_execution_policy.
std::int64_t grid_threads(std::int64_t count) {
  cudaDeviceProp device{};
  EXPECT_EQ(cudaGetDeviceProperties(&device, 0), cudaSuccess);
  const std::int64_t most =
      std::int64_t{device.multiProcessorCount} * (device.maxThreadsPerMultiProcessor / 256) * 256;
  return std::min((count + 255) / 256 * 256, most);
}

std::int64_t offset_of(const Generator& generator) {
  const Tensor state = generator.get_state();
  EXPECT_EQ(state.nbytes(), 16U);
  std::int64_t offset = 0;
  std::memcpy(&offset, static_cast<const std::byte*>(state.raw()) + 8, sizeof(offset));
  return offset;
}

void expect_values(const Tensor& tensor, const std::vector<double>& expected) {
  const std::vector<float> values = tensor.to_vector<float>();
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(values[i]), expected[i], 5.1e-5) << "number " << i;
  }
}

// What PyTorch prints, to four places. For tensors this small it is the same on every GPU.
TEST_F(RandomOnDevice, PyTorchsNumbers) {
  // torch.manual_seed(0); torch.rand(10, device="cuda"); torch.rand(10, device="cuda")
  Generator generator(kCuda, 0);
  EXPECT_EQ(generator.device(), kCuda);
  expect_values(Tensor::uniform({10}, 0, 1, generator, DType::float32, kCuda),
                {0.3990, 0.5167, 0.0249, 0.9401, 0.9459, 0.7967, 0.4150, 0.8203, 0.2290, 0.9096});
  expect_values(Tensor::uniform({10}, 0, 1, generator, DType::float32, kCuda),
                {0.9722, 0.7910, 0.4690, 0.3300, 0.3345, 0.3783, 0.7640, 0.6405, 0.1103, 0.3594});
  // torch.manual_seed(0); torch.randn(3, 8, device="cuda")
  generator.manual_seed(0);
  expect_values(Tensor::normal({3, 8}, 0, 1, generator, DType::float32, kCuda),
                {-0.9247, -0.4253, -2.6438, 0.1452, -0.1209, -0.5797, -0.6229, -0.3284,
                 -1.0745, -0.3631, -1.6711, 2.2655, 0.3117,  -0.1842, 1.2866,  1.1820,
                 -0.1271, 1.2169,  1.4353,  1.0605, -0.4941, -1.4244, -0.7244, -1.2973});
}

TEST_F(RandomOnDevice, EveryThreadsDrawsAndTheOffset) {
  const std::int64_t most = grid_threads(INT64_MAX / 2);
  for (const std::int64_t count :
       {std::int64_t{0}, std::int64_t{1}, std::int64_t{300}, 2 * most + 7}) {
    Generator generator(kCuda, 0x123456789ABCDEFULL);
    (void)Tensor::uniform({3}, 0, 1, generator, DType::float32, kCuda);  // an offset of 4
    ASSERT_EQ(offset_of(generator), 4);
    const std::vector<float> floats =
        Tensor::uniform({count}, 0, 1, generator, DType::float32, kCuda).to_vector<float>();
    const std::int64_t after = offset_of(generator);
    EXPECT_EQ(after - 4, count == 0 ? 0 : 4);
    const std::vector<double> doubles =
        Tensor::uniform({count}, -1, 3, generator, DType::float64, kCuda).to_vector<double>();
    // Two numbers of 64 bits to a draw: beyond 2 `most`, each thread draws twice.
    EXPECT_EQ(offset_of(generator) - after, count == 0 ? 0 : count > 2 * most ? 8 : 4);
    const std::int64_t threads = grid_threads(count);
    for (std::int64_t i = 0; i<count; i += count> 1000 ? 97 : 1) {
      const auto thread = static_cast<std::uint64_t>(i % threads);
      const std::int64_t turn = i / threads;
      const double unit =
          (philox_word(0x123456789ABCDEFULL, 1, thread, static_cast<std::size_t>(turn)) + 0.5) *
          0x1p-32;
      ASSERT_NEAR(static_cast<double>(floats[static_cast<std::size_t>(i)]), unit, 6e-8) << i;
      const auto position = static_cast<std::uint64_t>(after / 4 + turn / 2);
      const auto word = static_cast<std::size_t>(turn % 2 * 2);
      const std::uint64_t bits =
          philox_word(0x123456789ABCDEFULL, position, thread, word) ^
          (std::uint64_t{philox_word(0x123456789ABCDEFULL, position, thread, word + 1)} << 21);
      ASSERT_NEAR(doubles[static_cast<std::size_t>(i)],
                  (static_cast<double>(bits) + 0.5) * 0x1p-53 * 4 - 1, 1e-15)
          << i;
    }
  }
}

TEST_F(RandomOnDevice, TheStateIsPyTorchs) {
  Generator generator(kCuda, 0x0102030405060708ULL);
  EXPECT_EQ(generator.initial_seed(), 0x0102030405060708ULL);
  (void)Tensor::normal({5}, 0, 1, generator, DType::float64, kCuda);
  // torch.cuda.get_rng_state(): the seed, then the offset.
  const Tensor state = generator.get_state();
  EXPECT_EQ(state.to_vector<std::uint8_t>(),
            (std::vector<std::uint8_t>{8, 7, 6, 5, 4, 3, 2, 1, 4, 0, 0, 0, 0, 0, 0, 0}));
  Generator copy = generator;
  const Tensor expected = Tensor::normal({100}, 2, 3, generator, DType::float32, kCuda);
  EXPECT_TRUE(bitwise_equal(Tensor::normal({100}, 2, 3, copy, DType::float32, kCuda), expected));
  Generator other(kCuda, 5);
  other.set_state(state);
  EXPECT_EQ(other.initial_seed(), generator.initial_seed());
  EXPECT_TRUE(bitwise_equal(Tensor::normal({100}, 2, 3, other, DType::float32, kCuda), expected));
  // A seed alone, as old versions of PyTorch wrote it.
  other.set_state(state.slice(0, 0, 8));
  EXPECT_EQ(offset_of(other), 0);
  const auto refused = [&](const Tensor& wrong, const char* text) {
    expect_throw_with<ValueError>([&] { other.set_state(wrong); }, text);
    EXPECT_EQ(other.initial_seed(), generator.initial_seed());
  };
  refused(Generator(1).get_state(), "16 bytes");
  refused(state.to(kCuda), "16 bytes");
  const Tensor odd = state.clone();
  odd.slice(0, 8, 9).fill_(6);
  refused(odd, "offset 6 is no multiple of 4");
  Generator host(1);
  expect_throw_with<ValueError>([&] { host.set_state(state); }, "5056 bytes");
}

TEST_F(RandomOnDevice, IntoViews) {
  Generator generator(kCuda, 3);
  Generator again(kCuda, 3);
  const Tensor expected = Tensor::normal({4, 6}, 0, 1, generator, DType::float32, kCuda);
  const Tensor whole = Tensor::zeros({6, 9}, DType::float32, kCuda);
  whole.slice(1, 2, 6).transpose(0, 1).normal_(0, 1, again);
  EXPECT_TRUE(bitwise_equal(whole.slice(1, 2, 6).transpose(0, 1), expected));
  EXPECT_EQ(whole.at<float>({0, 1}), 0.0F);
  EXPECT_EQ(offset_of(again), offset_of(generator));
}

TEST_F(RandomOnDevice, RefusesWhatItCannotDo) {
  Generator generator(kCuda, 3);
  const Tensor here = Tensor::zeros({4});
  expect_throw_with<DeviceError>([&] { here.uniform_(0, 1, generator); },
                                 "the tensor is on cpu, the generator on cuda:0");
  expect_throw_with<DeviceError>([&] { generator.uniform(here, 0, 1); }, "cuda:0");
  expect_throw_with<DeviceError>([&] { (void)generator.randperm(5); }, "Generator::randperm");
  expect_throw_with<DeviceError>([&] { (void)generator.random(); }, "cuda:0");
  expect_throw_with<DeviceError>([&] { (void)generator.random64(); }, "cuda:0");
  const Tensor there = Tensor::zeros({4}, DType::float32, kCuda);
  expect_throw_with<ValueError>([&] { there.uniform_(2, 1, generator); }, "low 2");
  expect_throw_with<ValueError>([&] { there.normal_(0, -1, generator); }, "deviation");
  EXPECT_THROW(Tensor::zeros({4}, DType::int64, kCuda).uniform_(0, 1, generator), DTypeError);
  EXPECT_EQ(offset_of(generator), 0);
  Generator nowhere(Device{DeviceType::cuda, 77});
  EXPECT_THROW((void)Tensor::uniform({1}, 0, 1, nowhere, DType::float32, nowhere.device()),
               DeviceError);
}

using RandomOnTwoDevices = OnTwoDevices;

TEST_F(RandomOnTwoDevices, EachHasItsOwn) {
  Generator first(kCuda, 3);
  Generator second(kSecondCuda, 3);
  const Tensor x = Tensor::uniform({100}, 0, 1, first, DType::float32, kCuda);
  const Tensor y = Tensor::uniform({100}, 0, 1, second, DType::float32, kSecondCuda);
  EXPECT_TRUE(bitwise_equal(x, y));
  expect_throw_with<DeviceError>([&] { x.normal_(0, 1, second); },
                                 "the tensor is on cuda:0, the generator on cuda:1");
}

}  // namespace
}  // namespace wick
