// SPDX-License-Identifier: MIT
// Whether a sanitizer watches: it ends a program that asks for too much memory, keeps what was
// freed for a while, and makes frames larger.
#pragma once

namespace wick::testing {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace wick::testing
