// SPDX-License-Identifier: MIT
// Counts what a thread asks of the allocator and of locks. The program that links hooks.cpp gets
// its malloc, free and pthread functions, which all libraries of the process then call: libstdc++
// and, for its own needs, the C library.
#pragma once

#include <cstddef>

namespace wick::testing {

struct Calls {
  std::size_t allocations = 0;
  std::size_t frees = 0;  // but of null
  std::size_t locks = 0;  // of mutexes, whether it waits or tries, condition variables, semaphores
};

/// Of the calling thread so far.
[[nodiscard]] Calls calls_of_thread() noexcept;
/// Of all threads so far.
[[nodiscard]] Calls calls_of_all() noexcept;

}  // namespace wick::testing
