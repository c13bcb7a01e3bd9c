// SPDX-License-Identifier: MIT
// How work over elements is shared among threads.
#pragma once

#include <cstdint>

#include "kernels/cpu/thread_pool.h"

namespace wick::cpu {

// Below this many elements, waking a second thread costs more than it saves. Parts are multiples of
// kPartElements, so that the elements that fill no vector are the same ones however many threads
// there are.
inline constexpr std::int64_t kParallelElements = 64 * 1024;
inline constexpr std::int64_t kPartElements = 1024;

/// Calls job(first, last) for parts of [0, count), on several threads where it pays.
template <typename Job>
void share_elements(ThreadPool& pool, std::int64_t count, const Job& job) {
  if (count < kParallelElements) {
    job(0, count);
  } else {
    pool.run(count, kPartElements, job);
  }
}

}  // namespace wick::cpu
