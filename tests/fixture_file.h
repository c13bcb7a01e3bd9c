// SPDX-License-Identifier: MIT
// Where the files of tests/fixtures are.
#pragma once

#include <cstdlib>
#include <string>

namespace wick::testing {

/// The path of a file of tests/fixtures, as in "optim/reference.json": in the folder
/// $WICK_FIXTURES, for programs that run beside another tree than the one they were built in; else
/// in that one.
inline std::string fixture_file(const std::string& name) {
  const char* const given = std::getenv("WICK_FIXTURES");
  return std::string(given != nullptr ? given : WICK_FIXTURES) + "/" + name;
}

}  // namespace wick::testing
