// SPDX-License-Identifier: MIT
// The generators that draw where none is given. tests/interop/printing_parity.py compares their
// numbers with PyTorch's.
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "wick/core/random.h"

namespace wick {
namespace {

TEST(DefaultGenerator, ContinuesOneStreamThatManualSeedBegins) {
  manual_seed(5);
  EXPECT_EQ(initial_seed(), 5U);
  Generator same(5);
  EXPECT_EQ(default_generator()->random(), same.random());
  EXPECT_EQ(default_generator()->random(), same.random());
  const Tensor x = Tensor::rand({20});
  EXPECT_TRUE(bitwise_equal(x, Tensor::uniform({20}, 0.0, 1.0, same)));
  EXPECT_TRUE(bitwise_equal(Tensor::randn({20}, DType::float64),
                            Tensor::normal({20}, 0.0, 1.0, same, DType::float64)));
  x.normal_();
  EXPECT_TRUE(bitwise_equal(x, Tensor::normal({20}, 0.0, 1.0, same)));
  x.uniform_(-2.0, 2.0);
  EXPECT_TRUE(bitwise_equal(x, Tensor::uniform({20}, -2.0, 2.0, same)));
  x.uniform_(0.0, 1.0, default_generator());
  EXPECT_TRUE(bitwise_equal(x, Tensor::uniform({20}, 0.0, 1.0, same)));
  manual_seed(5);
  EXPECT_EQ(default_generator()->random(), Generator(5).random());
}

TEST(DefaultGenerator, EachDeviceHasItsOwnWithTheSameSeed) {
  const Device cuda{DeviceType::cuda, 0};
  manual_seed(7);
  EXPECT_EQ(default_generator(cuda)->device(), cuda);
  EXPECT_EQ(default_generator(cuda)->initial_seed(), 7U);
  manual_seed(8);
  EXPECT_EQ(default_generator(cuda)->initial_seed(), 8U);
  EXPECT_EQ(&*default_generator(kMeta), &*default_generator(kCpu));
}

TEST(DefaultGenerator, TheSameThreadMayAskWhileItHoldsOne) {
  const DefaultGenerator held = default_generator();
  EXPECT_EQ(&*held, &*default_generator());
  static_cast<void>(Tensor::rand({3}));
}

// All numbers of one stream, each once, whoever draws them.
TEST(DefaultGenerator, ThreadsTakeTurns) {
  constexpr int kThreads = 4;
  constexpr int kDraws = 500;
  manual_seed(11);
  std::vector<std::vector<float>> drawn(kThreads);
  {
    std::vector<std::jthread> threads;
    for (std::vector<float>& own : drawn) {
      threads.emplace_back([&own] {
        for (int i = 0; i < kDraws; ++i) own.push_back(Tensor::rand({1}).item<float>());
      });
    }
  }
  std::multiset<float> all;
  for (const auto& own : drawn) all.insert(own.begin(), own.end());
  Generator same(11);
  std::multiset<float> expected;
  for (int i = 0; i < kThreads * kDraws; ++i) {
    expected.insert(Tensor::uniform({1}, 0.0, 1.0, same).item<float>());
  }
  EXPECT_EQ(all, expected);
}

}  // namespace
}  // namespace wick
