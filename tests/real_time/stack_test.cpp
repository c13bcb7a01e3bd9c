// SPDX-License-Identifier: MIT
// How much of its stack a thread needs for a plan: the number that docs/real_time.md gives.
#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

#include <gtest/gtest.h>
#include <pthread.h>

#include "tests/real_time/networks.h"

namespace wick::testing {
namespace {

constexpr std::size_t kMostBytes = std::size_t{128} << 10;

// Of a new thread, with what the C library keeps there for each.
std::size_t stack_of(std::function<void()> work) {
  constexpr std::size_t kStack = std::size_t{4} << 20;
  constexpr std::byte kUntouched{0xA5};
  std::vector<std::byte> memory(kStack, kUntouched);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  EXPECT_EQ(pthread_attr_setstack(&attributes, memory.data(), memory.size()), 0);
  pthread_t thread{};
  const auto run = [](void* argument) -> void* {
    (*static_cast<std::function<void()>*>(argument))();
    return nullptr;
  };
  EXPECT_EQ(pthread_create(&thread, &attributes, run, &work), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  // It grows downwards.
  const auto lowest = std::ranges::find_if(memory, [](std::byte b) { return b != kUntouched; });
  return static_cast<std::size_t>(memory.end() - lowest);
}

TEST(Stack, AThreadNeedsLittle) {
  Generator generator(3);
  const std::size_t empty = stack_of([] {});
  for (const DType dtype : {DType::float32, DType::float64, DType::bfloat16}) {
    const Network network = mlp({1500, 129, 4100, 3}, dtype, generator);
    const nn::InferencePlan plan = nn::compile(*network.module, network.samples, 64);
    PlanRuns runs(plan, {1, 5, 64}, generator);
    const std::size_t bytes = stack_of([&] {
      runs.prepare();
      runs.run(9);
    });
    RecordProperty(concat("bytes_", dtype), concat(bytes));
    EXPECT_GT(bytes, empty) << dtype;
    EXPECT_LT(bytes, kMostBytes) << dtype;
  }
}

}  // namespace
}  // namespace wick::testing
