// SPDX-License-Identifier: MIT
#include "kernels/cpu/thread_pool.h"

#include <algorithm>
#include <utility>

#include "wick/kernels/flush_denormal.h"

namespace wick::cpu {
namespace {

// How often a worker looks for a new job before it sleeps: some two hundred microseconds, which is
// longer than the gap between two shared operations of a step (small layers and the loss are done
// by one thread), and pays where waking a sleeper takes thirty.
constexpr int kSpinsBeforeSleep = 10000;

// How often the caller looks whether all is done before it offers its processor to others, one of
// which may be a worker.
constexpr int kSpinsBeforeYield = 2000;

// A ticket's halves.
constexpr int kRoundShift = 32;
constexpr std::uint64_t kPartMask = 0xFFFFFFFF;

void pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads, IdleThreads idle) : idle_(idle) {
  workers_.reserve(static_cast<std::size_t>(std::max(threads - 1, 0)));
  try {
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
  } catch (const std::exception&) {
    // A limit of threads or of memory: those that there are do the work.
  }
}

ThreadPool::~ThreadPool() {
  stop_ = true;
  tell_news();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::do_part(const void* object, Call call, std::int64_t first,
                         std::int64_t last) noexcept {
  if (failed_.load(std::memory_order_relaxed)) return;
  try {
    call(object, first, last);
  } catch (...) {
    if (!failed_.exchange(true)) error_ = std::current_exception();
  }
}

void ThreadPool::do_parts(std::uint64_t round) noexcept {
  for (;;) {
    std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
    const std::uint64_t index = ticket & kPartMask;
    if (ticket >> kRoundShift != round || index >= parts_.load(std::memory_order_acquire)) return;
    const void* const object = object_.load(std::memory_order_acquire);
    const Call call = call_.load(std::memory_order_acquire);
    const std::int64_t count = count_.load(std::memory_order_acquire);
    const std::int64_t grain = grain_.load(std::memory_order_acquire);
    const auto parts = static_cast<std::int64_t>(parts_.load(std::memory_order_acquire));
    // Where this succeeds, no other job had begun, and so what was read above was this one's.
    if (!ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel)) continue;
    const std::int64_t grains = (count + grain - 1) / grain;
    const auto begin = [&](std::uint64_t i) {
      return grains * static_cast<std::int64_t>(i) / parts * grain;
    };
    const bool own = flush_denormal();
    set_flush_denormal(flush_.load(std::memory_order_relaxed));
    do_part(object, call, begin(index), std::min(begin(index + 1), count));
    set_flush_denormal(own);
    done_.fetch_add(1, std::memory_order_release);
  }
}

void ThreadPool::run_shared(std::int64_t count, std::int64_t grain, std::int64_t parts_per_thread,
                            const void* object, Call call) {
  const std::int64_t grains = (count + grain - 1) / grain;
  const auto parts =
      static_cast<std::uint64_t>(std::min<std::int64_t>(grains, size() * parts_per_thread));
  const std::uint64_t round =
      ((ticket_.load(std::memory_order_relaxed) >> kRoundShift) + 1) & kPartMask;
  // No part to take from here on. A late thread that reads what follows finds its ticket changed.
  ticket_.store(round << kRoundShift | kPartMask, std::memory_order_relaxed);
  object_.store(object, std::memory_order_release);
  call_.store(call, std::memory_order_release);
  count_.store(count, std::memory_order_release);
  grain_.store(grain, std::memory_order_release);
  parts_.store(parts, std::memory_order_release);
  flush_.store(flush_denormal(), std::memory_order_relaxed);
  done_.store(0, std::memory_order_relaxed);
  failed_.store(false, std::memory_order_relaxed);
  ticket_.store(round << kRoundShift, std::memory_order_release);
  tell_news();
  do_parts(round);
  int spins = 0;
  while (done_.load(std::memory_order_acquire) != parts) {
    if (idle_ == IdleThreads::sleep && ++spins > kSpinsBeforeYield) {
      std::this_thread::yield();
    } else {
      pause();
    }
  }
  if (failed_.load(std::memory_order_relaxed)) {
    std::rethrow_exception(std::exchange(error_, nullptr));
  }
}

void ThreadPool::tell_news() noexcept {
  news_.fetch_add(1, std::memory_order_release);
  // The system is called where a thread sleeps.
  if (idle_ == IdleThreads::sleep) news_.notify_all();
}

void ThreadPool::wait_for_news(std::uint32_t seen) const noexcept {
  int spins = 0;
  while (news_.load(std::memory_order_acquire) == seen) {
    if (idle_ == IdleThreads::sleep && ++spins == kSpinsBeforeSleep) {
      return news_.wait(seen, std::memory_order_acquire);
    }
    pause();
  }
}

void ThreadPool::work() noexcept {
  std::uint32_t seen = 0;
  for (;;) {
    wait_for_news(seen);
    seen = news_.load(std::memory_order_acquire);
    if (stop_) return;
    do_parts(ticket_.load(std::memory_order_acquire) >> kRoundShift);
  }
}

}  // namespace wick::cpu
