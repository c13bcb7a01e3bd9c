// SPDX-License-Identifier: MIT
// How a product's C is divided among threads.
#pragma once

#include <cstdint>

#include "kernels/cpu/thread_pool.h"

namespace wick::cpu {

// Below this many multiply-adds, waking a second thread costs more than it saves.
inline constexpr std::int64_t kParallelWork = 2'000'000;

// Grains of rows and columns of a shared product: small enough to share fairly, large enough for
// tiles that are worth it.
inline constexpr std::int64_t kPartRows = 16;
inline constexpr std::int64_t kPartCols = 64;

// And one part for each thread, since every part brings the same B into order.
inline constexpr std::int64_t kProductParts = 1;

/// Calls whole() where one thread is enough; else rows(first, last) or cols(first, last), whichever
/// there are more of, for parts of them.
template <typename Whole, typename Rows, typename Cols>
void share_product(ThreadPool& pool, std::int64_t row_count, std::int64_t col_count,
                   std::int64_t depth, bool rows_only, const Whole& whole, const Rows& rows,
                   const Cols& cols) {
  if (pool.size() == 1 || row_count * col_count * depth < kParallelWork) {
    whole();
  } else if (rows_only || row_count >= col_count) {
    pool.run(row_count, kPartRows, rows, kProductParts);
  } else {
    pool.run(col_count, kPartCols, cols, kProductParts);
  }
}

}  // namespace wick::cpu
