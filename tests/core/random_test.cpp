// SPDX-License-Identifier: MIT
// The generator's stream, against numbers from PyTorch.
#include "wick/core/random.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "tests/core/fixture.h"
#include "tests/support.h"

namespace wick {
namespace {

using testing::expect_throw_with;
using testing::FixtureReader;
using testing::fnv1a;

std::uint64_t element_bits(const Tensor& tensor, std::size_t index) {
  std::uint64_t bits = 0;
  const std::size_t size = size_of(tensor.dtype());
  std::memcpy(&bits, static_cast<const std::byte*>(tensor.raw()) + index * size, size);
  return bits;
}

// Numbers that go through the C library's log, sin and cos may differ in their last bits where
// that is another one than the fixture's.
void expect_close(const Tensor& tensor, std::size_t index, std::uint64_t expected) {
  if (tensor.dtype() == DType::float64) {
    const auto wanted = std::bit_cast<double>(expected);
    EXPECT_NEAR(tensor.data<double>()[index], wanted, 1e-15 * (1.0 + std::fabs(wanted)));
  } else {
    const auto wanted = std::bit_cast<float>(static_cast<std::uint32_t>(expected));
    EXPECT_NEAR(tensor.data<float>()[index], wanted, 2e-7F * (1.0F + std::fabs(wanted)));
  }
}

TEST(Generator, GivesPyTorchsNumbers) {
  Generator generator;
  int calls = 0;
  for (const std::vector<std::string>& words : testing::read_fixture_lines("random.txt")) {
    if (words[0] == "seed") {
      generator.manual_seed(std::stoull(words[1]));
      EXPECT_EQ(generator.initial_seed(), std::stoull(words[1]));
      continue;
    }
    if (words[0] == "state") {
      const Tensor state = generator.get_state();
      EXPECT_EQ(fnv1a(state.raw(), state.nbytes()), std::stoull(words[1], nullptr, 16));
      continue;
    }
    const std::int64_t count = std::stoll(words[2]);
    const double low = std::stod(words[3]);
    const double high = std::stod(words[4]);
    const DType dtype = dtype_from_name(words[1]).value();
    Tensor result;
    if (words[0] == "uniform") result = Tensor::uniform({count}, low, high, generator, dtype);
    if (words[0] == "normal") result = Tensor::normal({count}, low, high, generator, dtype);
    if (words[0] == "randperm") result = generator.randperm(count);
    ASSERT_TRUE(result.defined()) << words[0];
    const auto shown = testing::parse_list<std::uint64_t>(words[6], 16);
    const auto size = static_cast<std::size_t>(count);
    const bool exact = words[5] != "-";
    for (std::size_t i = 0; i < shown.size(); ++i) {
      const std::size_t at = size <= 16 || i < 8 ? i : size - 16 + i;
      SCOPED_TRACE(concat(words[0], ' ', dtype, " number ", at, " of ", count));
      if (exact) {
        EXPECT_EQ(element_bits(result, at), shown[i]);
      } else {
        expect_close(result, at, shown[i]);
      }
    }
    if (exact) {
      EXPECT_EQ(fnv1a(result.raw(), result.nbytes()), std::stoull(words[5], nullptr, 16))
          << words[0] << ' ' << dtype << ' ' << count;
    }
    ++calls;
  }
  EXPECT_GT(calls, 200);
}

TEST(Generator, DrawsTheStandardsMersenneTwister) {
  Generator generator(5489);
  std::mt19937 standard(5489);
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(generator.random(), standard()) << i;
  const std::uint64_t upper = standard();
  const std::uint64_t lower = standard();
  EXPECT_EQ(generator.random64(), upper << 32 | lower);
}

TEST(Generator, TheUpperHalfOfASeedHasNoEffect) {
  Generator a(5);
  Generator b(5 + (std::uint64_t{1} << 40));
  EXPECT_EQ(a.random64(), b.random64());
  EXPECT_NE(a.initial_seed(), b.initial_seed());
}

TEST(Generator, BulkAndSingleDrawsAreOneStream) {
  // Sizes that begin and end everywhere in a block of 624.
  Generator bulk(3);
  Generator single(3);
  for (std::int64_t count : {1, 622, 1, 1, 623, 624, 625, 5000, 7}) {
    const Tensor numbers = Tensor::uniform({count}, 0.0, 1.0, bulk);
    for (std::int64_t i = 0; i < count; ++i) {
      const auto expected = static_cast<float>(single.random() & 0xFFFFFFU) * 0x1p-24F;
      ASSERT_EQ(numbers.at<float>({i}), expected);
    }
  }
}

TEST(Generator, UniformStaysBelowHigh) {
  Generator generator(1);
  // So narrow that rounding often gives the upper bound, which is not part of the interval.
  const float high = std::nextafter(1.0F, 2.0F);
  const std::vector<float> numbers =
      Tensor::uniform({10000}, 1.0, double{high}, generator).to_vector<float>();
  EXPECT_TRUE(std::ranges::all_of(numbers, [](float x) { return x == 1.0F; }));
  const Tensor same = Tensor::uniform({100}, 2.0, 2.0, generator, DType::float64);
  EXPECT_EQ(same.to_vector<double>(), std::vector<double>(100, 2.0));
}

TEST(Generator, NormalHasTheWantedMoments) {
  Generator generator(11);
  for (const DType dtype : {DType::float32, DType::float64}) {
    const std::vector<double> numbers =
        Tensor::normal({200001}, 3.0, 0.5, generator, dtype).to(DType::float64).to_vector<double>();
    double sum = 0.0;
    double squares = 0.0;
    for (const double x : numbers) {
      sum += x;
      squares += (x - 3.0) * (x - 3.0);
    }
    EXPECT_NEAR(sum / 200001.0, 3.0, 0.01);
    EXPECT_NEAR(std::sqrt(squares / 200001.0), 0.5, 0.01);
  }
}

TEST(Generator, NormalKeepsTheSecondOfAPair) {
  Generator together(9);
  Generator apart(9);
  const Tensor four = Tensor::normal({4}, 0.0, 1.0, together, DType::float64);
  std::vector<double> ones;
  for (int i = 0; i < 4; ++i) {
    ones.push_back(Tensor::normal({1}, 0.0, 1.0, apart, DType::float64).item<double>());
  }
  EXPECT_EQ(four.to_vector<double>(), ones);
  // A seed forgets it.
  static_cast<void>(Tensor::normal({1}, 0.0, 1.0, apart, DType::float64));
  apart.manual_seed(9);
  EXPECT_EQ(Tensor::normal({1}, 0.0, 1.0, apart, DType::float64).item<double>(), ones[0]);
}

TEST(Generator, RandpermIsAPermutation) {
  Generator generator(2);
  std::vector<std::int64_t> order = generator.randperm(10007).to_vector<std::int64_t>();
  EXPECT_FALSE(std::ranges::is_sorted(order));
  std::ranges::sort(order);
  for (std::int64_t i = 0; i < 10007; ++i) ASSERT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(Generator, RandpermIntoATensorIsTheSame) {
  Generator a(8);
  Generator b(8);
  const Tensor out = Tensor::zeros({100}, DType::int64);
  a.randperm(out);
  EXPECT_TRUE(bitwise_equal(out, b.randperm(100)));
}

TEST(Generator, CopiesContinueIndependently) {
  Generator original(4);
  static_cast<void>(original.random());
  Generator copy = original;
  EXPECT_EQ(copy.random(), original.random());
  static_cast<void>(copy.random());
  EXPECT_FALSE(bitwise_equal(copy.get_state(), original.get_state()));
}

TEST(GeneratorState, ReadsPyTorchs) {
  FixtureReader fixture("generator_states.bin");
  while (!fixture.at_end()) {
    Tensor state = Tensor::empty({5056}, DType::uint8);
    std::memcpy(state.raw(), fixture.take(5056).data(), 5056);
    Generator generator(12345);
    generator.set_state(state);
    EXPECT_EQ(generator.initial_seed(), 7U);
    EXPECT_TRUE(bitwise_equal(generator.get_state(), state)) << "writes back the same bytes";
    const double kept = fixture.take<double>();
    EXPECT_NEAR(Tensor::normal({1}, 0.0, 1.0, generator, DType::float64).item<double>(), kept,
                1e-15);
    const auto drawn = fixture.take<std::uint64_t>();
    EXPECT_EQ(generator.random64() & (~std::uint64_t{0} >> 1), drawn);
  }
}

TEST(GeneratorState, RoundTripsAnywhereInTheStream) {
  Generator generator(6);
  for (int i = 0; i < 1300; ++i) {
    if (i % 100 == 3) static_cast<void>(Tensor::normal({1}, 0.0, 1.0, generator));
    Generator restored;
    restored.set_state(generator.get_state());
    ASSERT_TRUE(bitwise_equal(restored.get_state(), generator.get_state()));
    Generator copy = generator;
    ASSERT_TRUE(bitwise_equal(Tensor::normal({3}, 0.0, 1.0, restored),
                              Tensor::normal({3}, 0.0, 1.0, copy)));
    ASSERT_EQ(restored.random64(), copy.random64());
    static_cast<void>(generator.random());
  }
}

// A state with `value` written at byte `offset`.
template <typename T>
Tensor damaged(std::size_t offset, T value) {
  Tensor state = Generator(1).get_state();
  std::memcpy(static_cast<std::byte*>(state.raw()) + offset, &value, sizeof(T));
  return state;
}

TEST(GeneratorState, RefusesWhatIsNoState) {
  Generator generator(1);
  const Tensor before = generator.get_state();
  const auto refuse = [&](const Tensor& state, const std::string& text) {
    expect_throw_with<ValueError>([&] { generator.set_state(state); }, text);
  };
  refuse(Tensor(), "undefined");
  refuse(Tensor::zeros({5055}, DType::uint8), "5055");
  refuse(Tensor::zeros({5056}, DType::int8), "int8");
  refuse(Tensor::zeros({10112}, DType::uint8).slice(0, 0, kEnd, 2), "contiguous");
  refuse(Tensor::zeros({5056}, DType::uint8), "seeded 0");
  refuse(damaged<std::int32_t>(12, 0), "seeded 0, left 1");
  refuse(damaged<std::int32_t>(8, 0), "left 0");
  refuse(damaged<std::int32_t>(8, -5), "left -5");
  refuse(damaged<std::int32_t>(8, 625), "left 625");
  refuse(damaged<std::uint64_t>(16, 625), "next 625");
  refuse(damaged<std::uint64_t>(16, std::uint64_t{1} << 40), "next 1099511627776");
  // 600 draws from word 0 on is fine, from word 30 on would run over the end.
  Tensor overrun = damaged<std::int32_t>(8, 600);
  generator.set_state(overrun);
  generator.set_state(before);
  const std::uint64_t next = 30;
  std::memcpy(static_cast<std::byte*>(overrun.raw()) + 16, &next, sizeof(next));
  refuse(overrun, "left 600, next 30");
  EXPECT_TRUE(bitwise_equal(generator.get_state(), before)) << "a refusal changes nothing";
}

TEST(Generator, RefusesBadArgumentsAndKeepsItsStream) {
  Generator generator(1);
  const Tensor before = generator.get_state();
  const Tensor floats = Tensor::zeros({20});
  const Tensor doubles = Tensor::zeros({20}, DType::float64);
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  expect_throw_with<ValueError>([&] { generator.uniform(floats, 1.0, 0.0); }, "low 1");
  expect_throw_with<ValueError>([&] { generator.uniform(floats, nan, 0.0); }, "finite");
  expect_throw_with<ValueError>([&] { generator.uniform(floats, 0.0, inf); }, "finite");
  expect_throw_with<ValueError>([&] { generator.uniform(floats, 0.0, 1e39); }, "float32");
  expect_throw_with<ValueError>([&] { generator.uniform(floats, -3e38, 3e38); }, "difference");
  expect_throw_with<ValueError>([&] { generator.uniform(doubles, -1e308, 1e308); }, "float64");
  expect_throw_with<ValueError>([&] { generator.uniform(Tensor::zeros({0}), 1.0, 0.0); }, "low");
  expect_throw_with<ValueError>([&] { generator.normal(floats, 0.0, -1.0); }, "-1");
  expect_throw_with<ValueError>([&] { generator.normal(floats, 0.0, nan); }, "nan");
  const Tensor ints = Tensor::zeros({20}, DType::int64);
  expect_throw_with<DTypeError>([&] { generator.uniform(ints, 0.0, 1.0); }, "int64");
  expect_throw_with<DTypeError>([&] { generator.normal(ints, 0.0, 1.0); }, "int64");
  expect_throw_with<DTypeError>([&] { generator.randperm(floats); }, "float32");
  expect_throw_with<ValueError>([&] { static_cast<void>(generator.randperm(-1)); }, "-1");
  const Tensor strided = floats.slice(0, 0, kEnd, 2);
  expect_throw_with<ValueError>([&] { generator.uniform(strided, 0.0, 1.0); }, "contiguous");
  expect_throw_with<ValueError>([&] { generator.normal(strided, 0.0, 1.0); }, "contiguous");
  expect_throw_with<DeviceError>([&] { generator.uniform(Tensor(), 0.0, 1.0); }, "undefined");
  EXPECT_TRUE(bitwise_equal(generator.get_state(), before));
}

TEST(Generator, FillsStridedTensorsThroughTheTensor) {
  Generator a(1);
  Generator b(1);
  const Tensor target = Tensor::zeros({4, 6}).transpose(0, 1);
  target.uniform_(-1.0, 1.0, a);
  EXPECT_TRUE(bitwise_equal(target, Tensor::uniform({6, 4}, -1.0, 1.0, b)));
}

TEST(Generator, BelongsToADevice) {
  EXPECT_EQ(Generator(1).device(), kCpu);
  Generator here(kCpu, 7);
  EXPECT_EQ(here.random(), Generator(7).random());
  Generator nowhere(kMeta, 7);
  EXPECT_EQ(nowhere.device(), kMeta);
  EXPECT_EQ(nowhere.initial_seed(), 7U);
  EXPECT_EQ(nowhere.get_state().nbytes(), 16U);
  const Tensor described = Tensor::empty({3}, DType::float32, kMeta);
  expect_throw_with<DeviceError>([&] { described.uniform_(0, 1, nowhere); },
                                 "the device meta draws no random numbers");
  expect_throw_with<DeviceError>([&] { described.normal_(0, 1, nowhere); },
                                 "the device meta draws no random numbers");
  expect_throw_with<DeviceError>([&] { Tensor::empty({3}).normal_(0, 1, nowhere); },
                                 "the tensor is on cpu, the generator on meta");
  expect_throw_with<DeviceError>([&] { (void)nowhere.randperm(3); }, "on meta");
}

}  // namespace
}  // namespace wick
