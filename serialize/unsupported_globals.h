// SPDX-License-Identifier: MIT
// Says what PyTorch means by the names of a pickle that are not admitted, and what helps.
#pragma once

#include <string>
#include <string_view>

namespace wick {

/// One clause for a message about a name that find_global() does not know: what kind of object it
/// belongs to and the remedy, where there is one.
[[nodiscard]] std::string describe_unsupported(std::string_view module, std::string_view name);

}  // namespace wick
