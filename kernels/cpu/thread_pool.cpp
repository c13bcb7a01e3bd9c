// SPDX-License-Identifier: MIT
#include "kernels/cpu/thread_pool.h"

#include <algorithm>

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

ThreadPool::ThreadPool(int threads) {
  workers_.reserve(static_cast<std::size_t>(std::max(threads - 1, 0)));
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
    ticket_ += std::uint64_t{1} << kRoundShift;
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::do_parts(std::uint64_t round) {
  for (;;) {
    std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
    const std::uint64_t index = ticket & kPartMask;
    if (ticket >> kRoundShift != round || index >= parts_.load(std::memory_order_relaxed)) return;
    const void* const object = object_.load(std::memory_order_relaxed);
    const Call call = call_.load(std::memory_order_relaxed);
    const std::int64_t count = count_.load(std::memory_order_relaxed);
    const std::int64_t grain = grain_.load(std::memory_order_relaxed);
    const auto parts = static_cast<std::int64_t>(parts_.load(std::memory_order_relaxed));
    // Where this succeeds, the job was unfinished and so what was read above was its own.
    if (!ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel)) continue;
    const std::int64_t grains = (count + grain - 1) / grain;
    const auto begin = [&](std::uint64_t i) {
      return grains * static_cast<std::int64_t>(i) / parts * grain;
    };
    call(object, begin(index), std::min(begin(index + 1), count));
    done_.fetch_add(1, std::memory_order_release);
  }
}

void ThreadPool::run_shared(std::int64_t count, std::int64_t grain, std::int64_t parts_per_thread,
                            const void* object, Call call) {
  const std::int64_t grains = (count + grain - 1) / grain;
  const auto parts =
      static_cast<std::uint64_t>(std::min<std::int64_t>(grains, size() * parts_per_thread));
  std::uint64_t round = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    object_.store(object, std::memory_order_relaxed);
    call_.store(call, std::memory_order_relaxed);
    count_.store(count, std::memory_order_relaxed);
    grain_.store(grain, std::memory_order_relaxed);
    parts_.store(parts, std::memory_order_relaxed);
    done_.store(0, std::memory_order_relaxed);
    round = (ticket_.load(std::memory_order_relaxed) >> kRoundShift) + 1;
    ticket_.store(round << kRoundShift, std::memory_order_release);
  }
  wake_.notify_all();
  do_parts(round);
  int spins = 0;
  while (done_.load(std::memory_order_acquire) != parts) {
    if (++spins > kSpinsBeforeYield) {
      std::this_thread::yield();
    } else {
      pause();
    }
  }
}

void ThreadPool::work() {
  std::uint64_t seen = 0;
  const auto news = [&] { return ticket_.load(std::memory_order_acquire) >> kRoundShift != seen; };
  for (;;) {
    for (int spins = 0; !news() && spins < kSpinsBeforeSleep; ++spins) pause();
    if (!news()) {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, news);
    }
    seen = ticket_.load(std::memory_order_acquire) >> kRoundShift;
    if (stop_) return;
    do_parts(seen);
  }
}

}  // namespace wick::cpu
