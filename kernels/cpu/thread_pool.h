// SPDX-License-Identifier: MIT
// A few threads that share out the rows of one operation.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace wick::cpu {

/// Runs a function on several threads, the caller's included. One job at a time: while one runs, a
/// job that another thread brings is done by that thread alone, so callers never wait for each
/// other.
class ThreadPool {
 public:
  /// `threads` counts the caller's: 1 starts none.
  explicit ThreadPool(int threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  [[nodiscard]] int size() const noexcept { return static_cast<int>(workers_.size()) + 1; }

  /// Splits [0, count) into at most size() ranges whose bounds are multiples of `grain`, calls
  /// job(first, last) for each, and returns when all are done. `job` must not throw and must not
  /// call run() itself.
  template <typename Job>
  void run(std::int64_t count, std::int64_t grain, const Job& job) {
    const std::unique_lock<std::mutex> lock(busy_, std::try_to_lock);
    if (!lock.owns_lock() || workers_.empty() || count <= grain) {
      job(std::int64_t{0}, count);
      return;
    }
    run_shared(count, grain, {&job, [](const void* object, std::int64_t first, std::int64_t last) {
                                (*static_cast<const Job*>(object))(first, last);
                              }});
  }

 private:
  // A reference to the caller's function object, without an allocation.
  struct JobRef {
    const void* object = nullptr;
    void (*call)(const void*, std::int64_t, std::int64_t) = nullptr;
  };

  void run_shared(std::int64_t count, std::int64_t grain, JobRef job);
  void work(int index);
  void do_part(int index) const;

  std::mutex busy_;
  std::mutex mutex_;
  std::condition_variable wake_;
  JobRef job_;
  std::int64_t count_ = 0;
  std::int64_t part_ = 0;                // size of each thread's range
  std::atomic<std::uint64_t> round_{0};  // counts the jobs; a change tells the workers to start
  std::atomic<int> running_{0};          // workers that have not finished the round
  std::atomic<bool> stop_{false};
  std::vector<std::thread> workers_;
};

}  // namespace wick::cpu
