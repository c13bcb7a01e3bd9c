// SPDX-License-Identifier: MIT
// Lists of names in messages, and what a mistyped name may have meant.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace wick::tools {

/// "a, b or c".
[[nodiscard]] std::string one_of(const std::vector<std::string>& names);

/// How many characters must be inserted, removed, replaced or exchanged with their neighbour to
/// make one text of the other (the optimal string alignment distance). In bytes.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The name that begins with `wrong`, or else the nearest one, where a third of the characters of
/// `wrong` or fewer are wrong; empty where none is so near. Of several the first.
[[nodiscard]] std::string nearest_name(std::string_view wrong,
                                       const std::vector<std::string>& names);

/// "; did you mean NAME?", or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view wrong,
                                       const std::vector<std::string>& names);

}  // namespace wick::tools
