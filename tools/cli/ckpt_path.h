// SPDX-License-Identifier: MIT
// Finds parts of a checkpoint's tree by dotted names, as ckpt ls and ckpt show print them.
#pragma once

#include <string>
#include <string_view>

#include "core/value.h"

namespace wick::tools {

/// How a key of a dict appears in dotted names: a str or int as it is, else "<position>".
[[nodiscard]] std::string key_part(const Value& key, std::size_t position);

/// The value under "model.fc1.weight", where keys may have dots themselves; null where there is
/// none. An empty name is the root.
[[nodiscard]] const Value* find_part(const Value& root, std::string_view name);

/// True where `name` is `pattern`, lies below it ("model" has "model.fc1.weight"), or fits it with
/// '*' for any characters and '?' for one.
[[nodiscard]] bool matches(std::string_view name, std::string_view pattern);

}  // namespace wick::tools
