// SPDX-License-Identifier: MIT
#include "tests/thread_limit.h"

#include <atomic>
#include <cerrno>
#include <limits>

#include <dlfcn.h>
#include <pthread.h>

namespace {

constexpr int kUnlimited = std::numeric_limits<int>::max();
std::atomic<int> left{kUnlimited};

}  // namespace

namespace wick::testing {

ThreadLimit::ThreadLimit(int more) {
  left = more;
}
ThreadLimit::~ThreadLimit() {
  left = kUnlimited;
}

}  // namespace wick::testing

// Comes before the C library's, also for the C++ library's std::thread.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*start)(void*), void* argument) {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto kReal = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  if (left != kUnlimited && left.fetch_sub(1) <= 0) {
    left = 0;
    return EAGAIN;
  }
  return kReal(thread, attributes, start, argument);
}
