// SPDX-License-Identifier: MIT
// Whether what watches the plans sees what it shall.
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/real_time/hooks.h"
#include "tests/real_time/watched_child.h"

namespace wick::testing {
namespace {

// The compiler leaves out an allocation that nobody sees.
void* seen(void* memory) {
  asm volatile("" : "+r"(memory) : : "memory");
  return memory;
}

TEST(Hooks, SeeAllocationsOfTheProgramAndOfItsLibraries) {
  const auto allocations_of = [](const auto& work) {
    const Calls before = calls_of_thread();
    work();
    const Calls after = calls_of_thread();
    EXPECT_EQ(after.allocations - before.allocations, after.frees - before.frees);
    return after.allocations - before.allocations;
  };
  EXPECT_EQ(allocations_of([] {}), 0U);
  EXPECT_EQ(allocations_of([] { std::free(seen(std::malloc(3))); }), 1U);
  EXPECT_EQ(allocations_of([] { std::free(seen(std::calloc(3, 4))); }), 1U);
  EXPECT_EQ(allocations_of([] { std::free(seen(std::aligned_alloc(64, 128))); }), 1U);
  EXPECT_EQ(allocations_of([] { seen(std::make_unique<int>(3).get()); }), 1U);
  EXPECT_EQ(allocations_of([] {
              ::operator delete (::operator new (100, std::align_val_t{64}), std::align_val_t{64});
            }),
            1U);
  EXPECT_EQ(allocations_of([] { std::free(seen(strdup("by the C library"))); }), 1U);
}

TEST(Hooks, SeeLocks) {
  const auto locks_of = [](const auto& work) {
    const std::size_t before = calls_of_thread().locks;
    work();
    return calls_of_thread().locks - before;
  };
  std::mutex mutex;
  std::condition_variable condition;
  EXPECT_EQ(locks_of([] {}), 0U);
  EXPECT_EQ(locks_of([&] { const std::lock_guard lock(mutex); }), 1U);
  EXPECT_EQ(locks_of([&] { const std::unique_lock lock(mutex, std::try_to_lock); }), 1U);
  EXPECT_EQ(locks_of([&] { condition.notify_one(); }), 1U);
  EXPECT_EQ(locks_of([&] { condition.notify_all(); }), 1U);
}

TEST(Hooks, TellThreadsApart) {
  const std::size_t all = calls_of_all().allocations;
  const std::size_t mine = calls_of_thread().allocations;
  std::thread([] {
    const std::size_t before = calls_of_thread().allocations;
    std::free(seen(std::malloc(3)));
    EXPECT_EQ(calls_of_thread().allocations, before + 1);
  }).join();
  const std::size_t of_the_thread = 1;
  EXPECT_GE(calls_of_all().allocations - all, calls_of_thread().allocations - mine + of_the_thread);
}

TEST(WatchedChild, EndsAtTheFirstSystemCall) {
  if (!can_watch()) GTEST_SKIP() << "this system has no seccomp filters";
  const auto nothing = [] {};
  const auto call = [] { static_cast<void>(getppid()); };
  expect_quiet(watch(nothing, nothing), "nothing");
  const Watched caught = watch(nothing, call);
  EXPECT_FALSE(caught.ended);
  EXPECT_EQ(name_of_system_call(caught.system_call), "getppid");
  EXPECT_TRUE(watch(call, nothing).ended);
  EXPECT_TRUE(watch(nothing, call, Watch::caller, {SYS_getppid}).ended);
}

TEST(WatchedChild, WatchesTheThreadsThatItShall) {
  if (!can_watch()) GTEST_SKIP() << "this system has no seccomp filters";
  for (const Watch whom : {Watch::caller, Watch::all_threads}) {
    std::atomic<bool> go{false};
    std::atomic<bool> done{false};
    const Watched watched = watch(
        [&] {
          std::thread([&] {
            while (!go) {
            }
            static_cast<void>(getppid());
            done = true;
          }).detach();
        },
        [&] {
          go = true;
          while (!done) {
          }
        },
        whom);
    EXPECT_EQ(watched.ended, whom == Watch::caller);
  }
}

TEST(WatchedChild, CountsAndPassesErrorsOn) {
  if (!can_watch()) GTEST_SKIP() << "this system has no seccomp filters";
  const Watched counted = watch([] {},
                                [] {
                                  std::free(seen(std::malloc(3)));
                                  std::mutex mutex;
                                  const std::lock_guard lock(mutex);
                                });
  EXPECT_TRUE(counted.ended);
  EXPECT_EQ(counted.calls.allocations, 1U);
  EXPECT_EQ(counted.calls.frees, 1U);
  EXPECT_EQ(counted.calls.locks, 1U);
  EXPECT_EQ(watch([] { throw std::runtime_error("no plan"); }, [] {}).error, "no plan");
}

}  // namespace
}  // namespace wick::testing
