// SPDX-License-Identifier: MIT
// What the main functions of the programs share.
#pragma once

#include <functional>

namespace wick::tools {

inline constexpr int kFailure = 1;
inline constexpr int kUsageError = 2;

/// Runs `body` and returns its result. An exception becomes one line on stderr, "<name>: message",
/// and kFailure.
[[nodiscard]] int run_program(const char* name, const std::function<int()>& body);

/// Prints "<name>: message (see <name> --help)" on stderr; returns kUsageError.
int usage_error(const char* name, const char* message);

}  // namespace wick::tools
