// SPDX-License-Identifier: MIT
#include "kernels/cpu/thread_pool.h"

#include <atomic>
#include <chrono>
#include <new>
#include <numeric>
#include <thread>

#include <gtest/gtest.h>

#include "tests/thread_limit.h"
#include "wick/kernels/flush_denormal.h"

namespace wick::cpu {
namespace {

TEST(ThreadPool, CoversTheRangeOnceInWholeGrains) {
  for (const int threads : {1, 2, 4}) {
    ThreadPool pool(threads);
    for (const std::int64_t count : {0, 1, 5, 24, 100, 1001}) {
      for (const std::int64_t grain : {1, 8, 24}) {
        std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count));
        pool.run(count, grain, [&](std::int64_t first, std::int64_t last) {
          EXPECT_EQ(first % grain, 0);
          for (std::int64_t i = first; i < last; ++i) ++visits[static_cast<std::size_t>(i)];
        });
        for (const auto& visit : visits) EXPECT_EQ(visit.load(), 1);
      }
    }
  }
}

TEST(ThreadPool, UsesItsThreads) {
  ThreadPool pool(2);
  std::atomic<int> arrived{0};
  // Each half waits for the other, which only works if they run at the same time.
  pool.run(2, 1, [&](std::int64_t, std::int64_t) {
    ++arrived;
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (arrived < 2 && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
  });
  EXPECT_EQ(arrived, 2);
}

TEST(ThreadPool, ItsThreadsMaySpinInsteadOfSleeping) {
  for (int round = 0; round < 3; ++round) {
    ThreadPool pool(2, IdleThreads::spin);
    EXPECT_EQ(pool.idle(), IdleThreads::spin);
    for (int job = 0; job < 100; ++job) {
      if (job % 40 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
      std::atomic<std::int64_t> sum{0};
      pool.run(300, 1, [&](std::int64_t first, std::int64_t last) { sum += last - first; });
      EXPECT_EQ(sum, 300);
    }
  }
}

TEST(ThreadPool, WorksAfterItsThreadsHaveSlept) {
  ThreadPool pool(3);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    std::atomic<std::int64_t> sum{0};
    pool.run(300, 1, [&](std::int64_t first, std::int64_t last) { sum += last - first; });
    EXPECT_EQ(sum, 300);
  }
}

TEST(ThreadPool, ACallerDoesNotWaitForAnothersJob) {
  ThreadPool pool(2);
  std::atomic<bool> begun{false};
  std::atomic<bool> other_done{false};
  std::atomic<bool> gave_up{false};
  std::thread first([&] {
    pool.run(2, 1, [&](std::int64_t, std::int64_t) {
      begun = true;
      const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      while (!other_done && !gave_up) {
        if (std::chrono::steady_clock::now() > give_up) gave_up = true;
        std::this_thread::yield();
      }
    });
  });
  while (!begun) std::this_thread::yield();
  std::int64_t sum = 0;  // not atomic: the busy pool leaves the whole job to its caller
  pool.run(100, 1, [&](std::int64_t first_index, std::int64_t last) { sum += last - first_index; });
  other_done = true;
  first.join();
  EXPECT_FALSE(gave_up);
  EXPECT_EQ(sum, 100);
}

TEST(ThreadPool, PartsAreDoneUnderTheCallersFlushDenormalAndNoOthers) {
  ThreadPool pool(3);
  for (const bool flush : {true, false, true, false}) {
    if (!set_flush_denormal(flush)) GTEST_SKIP() << "this processor cannot";
    for (int round = 0; round < 50; ++round) {
      std::atomic<int> different{0};
      pool.run(60, 1, [&](std::int64_t, std::int64_t) {
        if (flush_denormal() != flush) ++different;
      });
      EXPECT_EQ(different, 0);
    }
    EXPECT_EQ(flush_denormal(), flush);
    bool elsewhere = true;
    std::thread([&] { elsewhere = flush_denormal(); }).join();
    // A thread begins with the setting of the one that starts it.
    EXPECT_EQ(elsewhere, flush);
  }
}

// Whoever does the part that throws: the caller gets it once all parts have ended, and the pool
// goes on.
TEST(ThreadPool, WhatAPartThrowsReachesTheCallerAfterAllHaveEnded) {
  ThreadPool pool(3);
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> running{0};
    const std::int64_t bad = round % 6;
    const auto job = [&](std::int64_t first, std::int64_t last) {
      ++running;
      for (std::int64_t i = first; i < last; ++i) {
        if (i != bad) continue;
        --running;
        throw std::bad_alloc();
      }
      --running;
    };
    EXPECT_THROW(pool.run(6, 1, job), std::bad_alloc);
    EXPECT_EQ(running, 0);
    std::atomic<std::int64_t> sum{0};
    pool.run(100, 1, [&](std::int64_t first, std::int64_t last) { sum += last - first; });
    EXPECT_EQ(sum, 100);
  }
}

TEST(ThreadPool, GoesOnWithFewerThreadsWhereTheSystemGivesNoMore) {
  for (int threads = 1; threads <= 8; ++threads) {
    for (int allowed = 0; allowed < threads; ++allowed) {
      const testing::ThreadLimit limit(allowed);
      ThreadPool pool(threads);
      EXPECT_EQ(pool.size(), allowed + 1);
      std::atomic<std::int64_t> sum{0};
      pool.run(100, 1, [&](std::int64_t first, std::int64_t last) { sum += last - first; });
      EXPECT_EQ(sum, 100);
    }
  }
}

TEST(ThreadPool, CallersDoNotDisturbEachOther) {
  ThreadPool pool(2);
  std::vector<std::thread> callers;
  std::vector<std::int64_t> sums(4);
  for (std::size_t caller = 0; caller < sums.size(); ++caller) {
    callers.emplace_back([&, caller] {
      for (int round = 0; round < 500; ++round) {
        std::atomic<std::int64_t> sum{0};
        pool.run(100, 1, [&](std::int64_t first, std::int64_t last) {
          for (std::int64_t i = first; i < last; ++i) sum += i;
        });
        sums[caller] += sum;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (const std::int64_t sum : sums) EXPECT_EQ(sum, 500 * 4950);
}

}  // namespace
}  // namespace wick::cpu
