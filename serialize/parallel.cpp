// SPDX-License-Identifier: MIT
#include "serialize/parallel.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace wick {
namespace {

constexpr std::uint64_t kBytesPerThread = std::uint64_t{16} << 20;
constexpr std::size_t kMaxThreads = 8;  // more than saturate the memory

}  // namespace

std::size_t reading_threads(std::uint64_t bytes) noexcept {
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  return std::clamp<std::size_t>(static_cast<std::size_t>(bytes / kBytesPerThread), 1,
                                 std::min(cores, kMaxThreads));
}

void run_parallel(std::size_t count, std::size_t threads,
                  const std::function<void(std::size_t)>& task) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::size_t failed = count;
  std::exception_ptr failure;
  const auto work = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      try {
        task(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (i < failed) {
          failed = i;
          failure = std::current_exception();
        }
      }
    }
  };
  {
    std::vector<std::jthread> helpers;
    try {
      for (std::size_t i = 1; i < std::min(threads, count); ++i) helpers.emplace_back(work);
    } catch (const std::exception&) {
      // The system gives no more threads: fewer do the same.
    }
    work();
  }
  if (failure != nullptr) std::rethrow_exception(failure);
}

}  // namespace wick
