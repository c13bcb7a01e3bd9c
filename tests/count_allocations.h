// SPDX-License-Identifier: MIT
// Counts heap allocations. A test program that links count_allocations.cpp gets its operator new.
#pragma once

#include <cstddef>

namespace wick::testing {

/// Calls of operator new in this program so far, from any thread.
[[nodiscard]] std::size_t allocation_count() noexcept;

}  // namespace wick::testing
