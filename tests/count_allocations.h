// SPDX-License-Identifier: MIT
// Counts heap allocations and waiting for locks. A test program that wick_count_allocations() was
// called for gets its operator new, and the linker's --wrap for what it links statically.
#pragma once

#include <cstddef>

namespace wick::testing {

/// Calls of operator new and malloc in this program so far, from any thread.
[[nodiscard]] std::size_t allocation_count() noexcept;
/// Calls that wait for a mutex, likewise.
[[nodiscard]] std::size_t lock_count() noexcept;

}  // namespace wick::testing
