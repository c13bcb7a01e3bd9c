// SPDX-License-Identifier: MIT
// How work is shared among threads.
#pragma once

#include <cstdint>

#include "kernels/cpu/thread_pool.h"

namespace wick::cpu {

// Below this many elements, waking a second thread costs more than it saves. Parts are multiples of
// kPartElements, so that the elements that fill no vector are the same ones however many threads
// there are.
inline constexpr std::int64_t kParallelElements = 64 * 1024;
inline constexpr std::int64_t kPartElements = 1024;

/// Calls job(first, last) for parts of [0, count) units of work, multiples of `grain`, on several
/// threads where the whole of `elements` is worth it.
template <typename Job>
void share(ThreadPool& pool, std::int64_t count, std::int64_t grain, std::int64_t elements,
           const Job& job) {
  if (elements < kParallelElements) {
    job(std::int64_t{0}, count);
  } else {
    pool.run(count, grain, job);
  }
}

/// The same, where each unit is an element.
template <typename Job>
void share_elements(ThreadPool& pool, std::int64_t count, const Job& job) {
  share(pool, count, kPartElements, count, job);
}

/// A pointer into an array that may not be there: null stays null.
template <typename T>
[[nodiscard]] T* offset(T* data, std::int64_t by) {
  return data == nullptr ? nullptr : data + by;
}

}  // namespace wick::cpu
