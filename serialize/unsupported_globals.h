// SPDX-License-Identifier: MIT
// Says what PyTorch means by the names of a pickle that are not admitted, and what helps.
#pragma once

#include <string>
#include <string_view>

#include "wick/core/error.h"

namespace wick {

/// Text of a file as it may stand in a message: in quotes, cut.
[[nodiscard]] std::string in_quotes(std::string_view text);

/// The error about a name that find_global() does not know; `before` begins its message, and
/// `pickle` is what the name stands in.
[[nodiscard]] ValueError refused_global(const std::string& before, std::string_view module,
                                        std::string_view name, std::string_view pickle);

/// One clause for a message about a name that find_global() does not know: what kind of object it
/// belongs to and the remedy, where there is one.
[[nodiscard]] std::string describe_unsupported(std::string_view module, std::string_view name);

}  // namespace wick
