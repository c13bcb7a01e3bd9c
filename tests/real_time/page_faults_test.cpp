// SPDX-License-Identifier: MIT
// After prepare(), no run has a page fault.
#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "tests/real_time/networks.h"
#include "wick/kernels/devices.h"
#include "wick/nn/sequential.h"

namespace wick::testing {
namespace {

long faults_of_thread() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

// In a new thread, whose stack nobody has used.
long faults_of(const std::function<void()>& prepare, const std::function<void()>& work) {
  long faults = -1;
  std::thread([&] {
    static_cast<void>(faults_of_thread());
    prepare();
    const long before = faults_of_thread();
    work();
    faults = faults_of_thread() - before;
  }).join();
  return faults;
}

TEST(PageFaults, AreSeen) {
  constexpr std::size_t kBytes = std::size_t{1} << 20;
  constexpr std::size_t kPage = 4096;
  void* const memory =
      mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  madvise(memory, kBytes, MADV_NOHUGEPAGE);
  const auto touch = [memory] {
    for (std::size_t at = 0; at < kBytes; at += kPage) {
      static_cast<volatile std::byte*>(memory)[at] = std::byte{1};
    }
  };
  EXPECT_GT(faults_of([] {}, touch), 0);
  EXPECT_EQ(faults_of(touch, touch), 0);
  munmap(memory, kBytes);
}

// The system may move pages while the test runs, so a few are forgiven once: what a plan does
// itself, it does each time.
void expect_no_faults(const Network& network, int count, Generator& generator) {
  const nn::InferencePlan plan = nn::compile(*network.module, network.samples, 64);
  long least = 1;
  for (int attempt = 0; attempt < 3 && least > 0; ++attempt) {
    PlanRuns runs(plan, {1, 5, 64}, generator);
    const long faults = faults_of([&] { runs.prepare(); }, [&] { runs.run(count); });
    least = attempt == 0 ? faults : std::min(least, faults);
  }
  EXPECT_EQ(least, 0) << network.name;
}

TEST(PageFaults, NoneInTenThousandRuns) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  Generator generator(seed);
  std::mt19937 random(static_cast<unsigned>(seed));
  for (const DType dtype : {DType::float32, DType::float64, DType::bfloat16}) {
    expect_no_faults(mlp({64, 96, 3}, dtype, generator), 10000, generator);
  }
  for (const DType dtype : {DType::float32, DType::float64}) {
    const int count = dtype == DType::float32 ? 10000 : 1000;
    expect_no_faults(random_network(dtype, random, generator), count, generator);
    expect_no_faults(mlp({64, 2100, 300, 3}, dtype, generator), 30, generator);
  }
}

// Of the caller's, whether the others sleep or spin.
TEST(PageFaults, NoneWhereThreadsShareTheWork) {
  Generator generator(3);
  for (const IdleThreads idle : {IdleThreads::sleep, IdleThreads::spin}) {
    set_num_threads(2, idle);
    for (const DType dtype : {DType::float32, DType::float64}) {
      expect_no_faults(shared_network(dtype, generator), 300, generator);
    }
    set_num_threads(1);
  }
}

// Its values are larger than any memory that the C library keeps: 49 MB.
TEST(PageFaults, APlanThatIsNotPreparedHasThem) {
  Generator generator(3);
  const Network network = mlp({4, 4096, 4}, DType::float32, generator);
  const nn::InferencePlan plan = nn::compile(*network.module, network.samples, 3000);
  PlanRuns runs(plan, {3000}, generator);
  EXPECT_GT(faults_of([] {}, [&] { runs.run(1); }), 0);
}

}  // namespace
}  // namespace wick::testing
