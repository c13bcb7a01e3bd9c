// SPDX-License-Identifier: MIT
// How work is shared among threads.
#pragma once

#include <algorithm>
#include <cstddef>
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

/// Parts that do not depend on the number of threads, nor does, then, what is put together from the
/// results of the parts in their order.
class FixedParts {
 public:
  static constexpr std::int64_t kMost = 64;
  static constexpr std::int64_t kLeastElements = 16 * 1024;  // of a part, where that is worth it

  /// Of `units`, at least `least` in a part.
  FixedParts(std::int64_t units, std::int64_t least)
      : units_(units), per_part_(std::max(least, (units + kMost - 1) / kMost)) {}

  [[nodiscard]] std::int64_t count() const { return (units_ + per_part_ - 1) / per_part_; }
  /// Calls job(part, first unit, units) for all of them.
  template <typename Job>
  void run(ThreadPool& pool, const Job& job) const {
    const auto some = [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) {
        const std::int64_t begin = i * per_part_;
        job(static_cast<std::size_t>(i), begin, std::min(per_part_, units_ - begin));
      }
    };
    if (count() > 1) {
      pool.run(count(), 1, some);
    } else {
      some(0, count());
    }
  }

 private:
  std::int64_t units_;
  std::int64_t per_part_;
};

/// A pointer into an array that may not be there: null stays null.
template <typename T>
[[nodiscard]] T* offset(T* data, std::int64_t by) {
  return data == nullptr ? nullptr : data + by;
}

}  // namespace wick::cpu
