// SPDX-License-Identifier: MIT
// How all programs read their command lines: CLI11 parses, and what is wrong is said in one manner.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace wick::tools {

/// Adds --version, which says the program's name and that of the library: "train (wick) 0.1.0".
void add_version(CLI::App& app);

/// Parses the command line. Returns the text to print where --help or --version is given, and
/// nothing where the program is to go on. Throws ValueError of one line that names the argument,
/// its value and what it may be: an option that there is not (with the one that may have been
/// meant), one without a value or given twice, a value that does not fit, an empty argument, an
/// argument that is missing or too many.
[[nodiscard]] std::optional<std::string> parse_command_line(CLI::App& app, int argc,
                                                            const char* const* argv);

/// The options that the command line has named, as "--lr".
[[nodiscard]] std::set<std::string> given_options(const CLI::App& app);

/// For Option::check(): "--batch-size is x; it must be a whole number from 1 to 1024".
[[nodiscard]] CLI::Validator whole_number(
    std::int64_t from = std::numeric_limits<std::int64_t>::min(),
    std::int64_t to = std::numeric_limits<std::int64_t>::max());
/// "--lr is fast; it must be a number, as 0.01". Infinities and NaN are numbers.
[[nodiscard]] CLI::Validator number();
/// "--rtol is -1; it must be a number from 0 on, as 0.01". Infinities and NaN are none.
[[nodiscard]] CLI::Validator number_from_zero();
/// "--optimizer is adan; it must be sgd, adam or adamw; did you mean adam?".
[[nodiscard]] CLI::Validator known_name(std::vector<std::string> names);

/// The whole number that a text is, in decimal and with nothing around it.
[[nodiscard]] std::optional<std::int64_t> parse_whole(const std::string& text);

}  // namespace wick::tools
