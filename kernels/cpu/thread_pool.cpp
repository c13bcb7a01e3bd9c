// SPDX-License-Identifier: MIT
#include "kernels/cpu/thread_pool.h"

#include <algorithm>

namespace wick::cpu {
namespace {

// How often a thread looks again before it sleeps: some ten microseconds, which is longer than the
// gap between two operations of a step and shorter than waking a sleeper.
constexpr int kSpins = 2000;

void pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  workers_.reserve(static_cast<std::size_t>(std::max(threads - 1, 0)));
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
    ++round_;
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::do_part(int index) const {
  const std::int64_t first = std::min(part_ * index, count_);
  const std::int64_t last = std::min(first + part_, count_);
  if (first < last) job_.call(job_.object, first, last);
}

void ThreadPool::run_shared(std::int64_t count, std::int64_t grain, JobRef job) {
  const std::int64_t grains = (count + grain - 1) / grain;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    job_ = job;
    count_ = count;
    part_ = (grains + size() - 1) / size() * grain;
    running_ = static_cast<int>(workers_.size());
    ++round_;
  }
  wake_.notify_all();
  do_part(0);
  int spins = 0;
  while (running_.load(std::memory_order_acquire) != 0) {
    if (++spins > kSpins) {
      std::this_thread::yield();
    } else {
      pause();
    }
  }
}

void ThreadPool::work(int index) {
  std::uint64_t seen = 0;
  for (;;) {
    for (int spins = 0; round_ == seen && spins < kSpins; ++spins) pause();
    if (round_ == seen) {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [&] { return round_ != seen; });
    }
    seen = round_;
    if (stop_) return;
    do_part(index);
    running_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace wick::cpu
