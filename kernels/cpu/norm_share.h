// SPDX-License-Identifier: MIT
// How normalisations are shared among threads.
#pragma once

#include <cstdint>

#include "kernels/cpu/share.h"

namespace wick::cpu {

// Columns for one thread: a line of the cache.
inline constexpr std::int64_t kGrainCols = 16;

// Calls job(first, last) for parts of [0, count) units of work, on several threads where the whole
// of `elements` is worth it.
template <typename Job>
void share(ThreadPool& pool, std::int64_t count, std::int64_t grain, std::int64_t elements,
           const Job& job) {
  if (elements < kParallelElements) {
    job(std::int64_t{0}, count);
  } else {
    pool.run(count, grain, job);
  }
}

/// Null stays null.
template <typename T>
const T* offset(const T* data, std::int64_t by) {
  return data == nullptr ? nullptr : data + by;
}
template <typename T>
T* offset(T* data, std::int64_t by) {
  return data == nullptr ? nullptr : data + by;
}

}  // namespace wick::cpu
