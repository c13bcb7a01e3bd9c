// SPDX-License-Identifier: MIT
// How the programs print text that is not their own: from files, names and command lines.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace wick::tools {

// What could steer a terminal, begin another line or change the order in which text is shown is
// escaped as Python's repr() does: control characters, bidirectional and other format characters,
// line and paragraph separators ("\n", "\x1b", "\u202e"), and bytes that are not UTF-8 ("\xff").
// Other characters stay as they are.

/// The longest name that is printed whole, in bytes; a file may hold longer ones.
inline constexpr std::size_t kLongestName = 400;

/// The text in quotes, with '"' and '\' escaped too, so that it can be told what was there; cut
/// after `limit` bytes, with "..." behind it.
[[nodiscard]] std::string quote(std::string_view text, std::size_t limit = 60);

/// A name as it is, or as quote() gives it where it is empty, too long, or holds what is escaped.
[[nodiscard]] std::string plain_name(std::string_view name);

/// Text cut to `limit` bytes at most, between two characters, with "..." where it was longer.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t limit);

/// A message as one line of a sensible length: lists of several lines become clauses, and of a very
/// long one the middle is left out, since the end says what is wrong.
[[nodiscard]] std::string message_line(std::string_view message);

}  // namespace wick::tools
