// SPDX-License-Identifier: MIT
// Which wick this is. The build reads the numbers from here.
#pragma once

#include <string_view>

#include "wick/core/compiler.h"

#define WICK_VERSION_MAJOR 0
#define WICK_VERSION_MINOR 1
#define WICK_VERSION_PATCH 0

namespace wick {

/// Of the library that the program runs with, as "0.1.0"; the macros say with which headers it was
/// compiled.
[[nodiscard]] WICK_API std::string_view version() noexcept;

}  // namespace wick
