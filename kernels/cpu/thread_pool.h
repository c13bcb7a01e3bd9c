// SPDX-License-Identifier: MIT
// A few threads that share out the rows of one operation.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>
#include <vector>

#include "wick/kernels/devices.h"

namespace wick::cpu {

/// Runs a function on several threads, the caller's included. One job at a time: while one runs, a
/// job that another thread brings is done by that thread alone, so callers never wait for each
/// other.
///
/// What run() does beside the job: with one thread, or where another's job runs, nothing that the
/// system or a lock has a part in. With idle threads that sleep, the caller wakes them by a system
/// call (a futex) and may give its processor away (sched_yield) while it waits for the last parts.
/// With idle threads that spin, neither the caller nor they call the system.
class ThreadPool {
 public:
  /// `threads` counts the caller's: 1 starts none. Where the system gives fewer, it goes on with
  /// those: size() says how many. They have the scheduling policy, the priority and the processors
  /// of the thread that makes the pool.
  explicit ThreadPool(int threads, IdleThreads idle = IdleThreads::sleep);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  [[nodiscard]] int size() const noexcept { return static_cast<int>(workers_.size()) + 1; }
  [[nodiscard]] IdleThreads idle() const noexcept { return idle_; }

  /// Splits [0, count) into ranges whose bounds are multiples of `grain`, `parts_per_thread` for
  /// each thread and as equal as can be, calls job(first, last) for each, and returns when all are
  /// done. A range belongs to whichever thread comes first, so that a thread that gets no processor
  /// holds nobody up. All are done under the caller's flush_denormal(). More parts even out better
  /// what the threads get of their processors, and cost more. What a part throws, in whichever
  /// thread, run() throws, once all parts that had begun have ended; the others are left out. `job`
  /// must not call run() itself.
  template <typename Job>
  void run(std::int64_t count, std::int64_t grain, const Job& job,
           std::int64_t parts_per_thread = 2) {
    if (workers_.empty() || count <= grain || busy_.exchange(true, std::memory_order_acquire)) {
      job(std::int64_t{0}, count);
      return;
    }
    const NoLongerBusy at_the_end{busy_};
    run_shared(count, grain, parts_per_thread, &job,
               [](const void* object, std::int64_t first, std::int64_t last) {
                 (*static_cast<const Job*>(object))(first, last);
               });
  }

 private:
  using Call = void (*)(const void*, std::int64_t, std::int64_t);

  struct NoLongerBusy {
    std::atomic<bool>& busy;
    explicit NoLongerBusy(std::atomic<bool>& flag) : busy(flag) {}
    NoLongerBusy(const NoLongerBusy&) = delete;
    NoLongerBusy& operator=(const NoLongerBusy&) = delete;
    ~NoLongerBusy() { busy.store(false, std::memory_order_release); }
  };

  void run_shared(std::int64_t count, std::int64_t grain, std::int64_t parts_per_thread,
                  const void* object, Call call);
  void work() noexcept;
  void wait_for_news(std::uint32_t seen) const noexcept;
  void tell_news() noexcept;
  void do_parts(std::uint64_t round) noexcept;
  void do_part(const void* object, Call call, std::int64_t first, std::int64_t last) noexcept;

  const IdleThreads idle_;
  std::atomic<bool> busy_{false};  // a caller's job is shared
  // The job: written by run_shared while no part is left to take, read before a part is taken.
  std::atomic<const void*> object_{nullptr};
  std::atomic<Call> call_{nullptr};
  std::atomic<std::int64_t> count_{0};
  std::atomic<std::int64_t> grain_{1};
  std::atomic<std::uint64_t> parts_{0};
  std::atomic<bool> flush_{false};  // the caller's flush_denormal()
  // The number of the job in the upper half, its next part that nobody has taken in the lower. One
  // word, so that a thread that comes late cannot take a part of a job that it has not read.
  std::atomic<std::uint64_t> ticket_{0};
  // The number of the newest job, in a word that the system can wait for.
  std::atomic<std::uint32_t> news_{0};
  std::atomic<std::uint64_t> done_{0};  // finished parts
  std::atomic<bool> failed_{false};     // a part has thrown
  std::exception_ptr error_;            // what the first one threw; read when all parts are done
  std::atomic<bool> stop_{false};
  std::vector<std::thread> workers_;
};

}  // namespace wick::cpu
