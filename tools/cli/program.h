// SPDX-License-Identifier: MIT
// What the main functions of the programs share.
#pragma once

#include <functional>
#include <string>

#include "core/error.h"

namespace wick::tools {

inline constexpr int kFailure = 1;
inline constexpr int kUsageError = 2;

/// A program's words for what helps against an error, such as "give --map-location cpu"; empty
/// where it has none.
using RemedyWords = std::function<std::string(Remedy)>;

/// The message of an error with the program's words in the place of the library's.
[[nodiscard]] std::string message_of(const Error& error, const RemedyWords& words);

/// Runs `body` and returns its result. An exception becomes one line on stderr, "<name>: message",
/// and kFailure; the message is that of message_of(), as message_line() gives it.
[[nodiscard]] int run_program(const char* name, const std::function<int()>& body,
                              const RemedyWords& words = {});

/// Prints "<name>: message (see <name> --help)" on stderr; returns kUsageError.
int usage_error(const char* name, const char* message);

}  // namespace wick::tools
