// SPDX-License-Identifier: MIT
// Finds parts of a checkpoint's tree by dotted names, as ckpt ls and ckpt show print them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "wick/core/value.h"

namespace wick::tools {

/// The value under "model.layer1.weight", where keys may have dots themselves; empty where there is
/// none. An empty name is the root.
[[nodiscard]] std::optional<Value> find_part(const Value& root, std::string_view name);

/// True where `name` is `pattern`, lies below it ("model" has "model.layer1.weight"), or fits it
/// with
/// '*' for any characters and '?' for one.
[[nodiscard]] bool matches(std::string_view name, std::string_view pattern);

}  // namespace wick::tools
