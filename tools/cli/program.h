// SPDX-License-Identifier: MIT
// What the main functions of the programs share.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>

#include "wick/core/error.h"

namespace wick::tools {

inline constexpr int kFailure = 1;
inline constexpr int kUsageError = 2;

/// A program's words for what helps against an error, such as "give --map-location cpu"; empty
/// where it has none.
using RemedyWords = std::function<std::string(Remedy)>;

/// The message of an error with the program's words in the place of the library's.
[[nodiscard]] std::string message_of(const Error& error, const RemedyWords& words);

/// Calls `main` for a program's main function. Without memory even an exception cannot be made,
/// which would end the program by a signal: where there is too little of it at the start, or where
/// `main` lets a std::bad_alloc through, that is one line on stderr, "<name>: out of memory", and
/// kFailure.
[[nodiscard]] int run_main(const char* name, int (*main)(int, char**), int argc, char** argv);

/// Runs `body`, flushes standard output and returns what `body` did. An exception, or an output
/// that cannot be written, becomes one line on stderr, "<name>: message" (that of message_of(),
/// see message_line()), and kFailure.
///
/// A standard descriptor that is closed stays so for the program, and what is printed to it fails
/// as on a full disk, instead of going into the next file that is opened.
///
/// Writing too large a file (ulimit -f) or to a pipe that nobody reads fails as other writes do,
/// instead of ending the program by SIGXFSZ or SIGPIPE. A reader that goes away, as head does, is
/// no failure: the result is that of `body`, and 128 + SIGPIPE, without a message, where it ended
/// with OutputClosed.
[[nodiscard]] int run_program(const char* name, const std::function<int()>& body,
                              const RemedyWords& words = {});

/// run_program() of a program that has the option --no-verify: the message of a CRC-32 that does
/// not fit (ChecksumError) names it.
[[nodiscard]] int run_reading_program(const char* name, const std::function<int()>& body,
                                      const RemedyWords& words = {});

/// message_of() in such a program.
[[nodiscard]] std::string reading_message(const Error& error, const RemedyWords& words = {});

/// What --help says of the option --no-verify.
inline constexpr const char* kNoVerifyHelp =
    "read records whose CRC-32 is wrong, as torch.load does";

/// Nobody reads standard output any more.
class OutputClosed : public std::runtime_error {
 public:
  OutputClosed() : std::runtime_error("standard output is closed") {}
};

/// Flushes standard output, of stdio and of iostreams. Throws IoError where something could not be
/// written, now or before, and OutputClosed where its reader has gone away.
void flush_output();

/// Prints what --help or --version prints; the result is the program's.
[[nodiscard]] int show_text(const char* name, const std::string& text);

/// Prints "<name>: message (see <name> --help)" on stderr; returns kUsageError.
int usage_error(const char* name, const char* message);

/// Throws ValueError where an argument is empty, or is an option with an empty value ("--lr="): a
/// variable of a script that was not set must not pass for an option that was not given.
void refuse_empty_arguments(int argc, const char* const* argv);

}  // namespace wick::tools
