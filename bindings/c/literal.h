// SPDX-License-Identifier: MIT
// Values from texts in Python's words.
#pragma once

#include <string_view>

#include "wick/core/value.h"

namespace wick::c {

/// A literal: numbers, texts, True, False, None, lists, tuples and dicts of them; also inf and nan.
/// Throws ValueError that names the position and what was expected there.
[[nodiscard]] Value parse_literal(std::string_view text);

/// Keyword arguments: "in_features=3, bias=False". Throws as above, and for a name that comes
/// twice.
[[nodiscard]] Dict parse_arguments(std::string_view text);

}  // namespace wick::c
