// SPDX-License-Identifier: MIT
// A system that gives no more threads. A test program that links thread_limit.cpp gets its
// pthread_create().
#pragma once

namespace wick::testing {

/// While it lives, only so many more threads can be made.
class ThreadLimit {
 public:
  explicit ThreadLimit(int more);
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;
  ~ThreadLimit();
};

}  // namespace wick::testing
