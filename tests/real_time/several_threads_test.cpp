// SPDX-License-Identifier: MIT
// A prepared plan whose operations several threads share: what the caller does, and the others.
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

#include "kernels/cpu/thread_pool.h"
#include "tests/real_time/networks.h"
#include "tests/real_time/watched_child.h"
#include "wick/kernels/devices.h"

namespace wick::testing {
namespace {

constexpr int kRuns = 1000;
constexpr std::int64_t kBatch = 48;

// Without a system call.
void pass_time(std::chrono::microseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

class SeveralThreads : public ::testing::TestWithParam<DType> {
 protected:
  void SetUp() override {
    if (!can_watch()) GTEST_SKIP() << "this system has no seccomp filters";
  }
  Generator generator_{3};
  Network network_ = shared_network(GetParam(), generator_);
  nn::InferencePlan plan_ = nn::compile(*network_.module, network_.samples, kBatch);
  PlanRuns runs_{plan_, {kBatch}, generator_};
};

// Threads are the child's own: a fork has none of its parent's.
TEST_P(SeveralThreads, WhereTheySpinNobodyCallsTheSystem) {
  const Watched watched = watch(
      [&] {
        set_num_threads(2, IdleThreads::spin);
        if (num_threads() != 2) throw std::runtime_error("no second thread");
        runs_.prepare();
      },
      [&] { runs_.run(kRuns); }, Watch::all_threads);
  expect_quiet(watched, network_.name);
}

TEST_P(SeveralThreads, WhereTheySleepTheCallerWakesThemAndNothingElse) {
  const Watched watched = watch(
      [&] {
        set_num_threads(2);
        runs_.prepare();
      },
      [&] { runs_.run(kRuns); }, Watch::caller, {SYS_futex, SYS_sched_yield});
  expect_quiet(watched, network_.name);
}

// Else the test above would show nothing.
TEST_P(SeveralThreads, ToWakeThemIsASystemCall) {
  const Watched watched = watch(
      [&] {
        set_num_threads(2);
        runs_.prepare();
      },
      [&] {
        for (int i = 0; i < 300; ++i) {
          pass_time(std::chrono::milliseconds(10));
          runs_.run(1);
        }
      },
      Watch::caller, {SYS_sched_yield});
  EXPECT_EQ(name_of_system_call(watched.system_call), "futex");
}

INSTANTIATE_TEST_SUITE_P(DTypes, SeveralThreads, ::testing::Values(DType::float32, DType::float64),
                         [](const auto& each) { return concat(each.param); });

// Small operations are the caller's alone.
TEST(SeveralThreadsOfSmallPlans, CallNoSystem) {
  if (!can_watch()) GTEST_SKIP() << "this system has no seccomp filters";
  Generator generator(3);
  const Network network = mlp({64, 32, 16, 1}, DType::float32, generator);
  const nn::InferencePlan plan = nn::compile(*network.module, network.samples, 64);
  PlanRuns runs(plan, {1, 64}, generator);
  expect_quiet(watch(
                   [&] {
                     set_num_threads(2);
                     runs.prepare();
                   },
                   [&] { runs.run(kRuns); }),
               network.name);
}

TEST(ThreadsOfThePool, HaveThePriorityOfWhoMakesThem) {
  std::thread([] {
    const int priority = sched_get_priority_min(SCHED_FIFO);
    const sched_param wanted{priority};
    if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &wanted) != 0) {
      GTEST_SKIP() << "SCHED_FIFO is not permitted here";
    }
    cpu::ThreadPool pool(2, IdleThreads::sleep);
    std::atomic<int> arrived{0};
    std::atomic<int> as_wanted{0};
    // Each part waits for the other, so that both threads do one.
    pool.run(2, 1, [&](std::int64_t, std::int64_t) {
      int policy = 0;
      sched_param found{};
      pthread_getschedparam(pthread_self(), &policy, &found);
      if (policy == SCHED_FIFO && found.sched_priority == priority) ++as_wanted;
      ++arrived;
      const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      while (arrived < 2 && std::chrono::steady_clock::now() < give_up) {
      }
    });
    EXPECT_EQ(as_wanted, 2);
  }).join();
}

}  // namespace
}  // namespace wick::testing
