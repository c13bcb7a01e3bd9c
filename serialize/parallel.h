// SPDX-License-Identifier: MIT
// Spreads independent pieces of work over a few threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace wick {

/// Calls task(0) to task(count - 1), each once, on up to `threads` threads, of which the caller's
/// is one. Where tasks throw, the others still run, and the exception of the lowest index is thrown
/// on, so that errors do not depend on timing.
void run_parallel(std::size_t count, std::size_t threads,
                  const std::function<void(std::size_t)>& task);

/// As many threads as pay off for reading `bytes` bytes here.
[[nodiscard]] std::size_t reading_threads(std::uint64_t bytes) noexcept;

}  // namespace wick
