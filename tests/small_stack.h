// SPDX-License-Identifier: MIT
// Runs work in a thread with little stack, as threads of servers and of musl have.
#pragma once

#include <exception>
#include <functional>
#include <stdexcept>

#include <pthread.h>

#include "tests/sanitizers.h"

namespace wick::testing {

inline constexpr std::size_t kSmallStackBytes = std::size_t{kSanitized ? 1024 : 256} << 10;

/// Waits for it. What it throws is thrown here.
inline void on_small_stack(const std::function<void()>& work) {
  struct Job {
    const std::function<void()>& work;
    std::exception_ptr error = nullptr;
  } job{work};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  if (pthread_attr_setstacksize(&attributes, kSmallStackBytes) != 0) {
    throw std::runtime_error("pthread_attr_setstacksize failed");
  }
  const auto run = [](void* argument) -> void* {
    auto& mine = *static_cast<Job*>(argument);
    try {
      mine.work();
    } catch (...) {
      mine.error = std::current_exception();
    }
    return nullptr;
  };
  pthread_t thread{};
  if (pthread_create(&thread, &attributes, run, &job) != 0) {
    throw std::runtime_error("pthread_create failed");
  }
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  if (job.error) std::rethrow_exception(job.error);
}

}  // namespace wick::testing
