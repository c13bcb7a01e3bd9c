// SPDX-License-Identifier: MIT
// What a pickle's calls to Python's own types and to torch's plain ones give.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "serialize/object_table.h"
#include "wick/core/value.h"

namespace wick {

/// Throws ValueError where the number of arguments is out of range.
void require_count(std::string_view function, const std::vector<Value>& arguments,
                   std::size_t least, std::size_t most);

/// A torch.Size, or a list or tuple of int.
[[nodiscard]] Dims dims_of(const Value& value);

/// The result of `function(*arguments)` where it makes no tensor; the rest is torch_rebuild.h's.
/// Throws ValueError, without an offset.
[[nodiscard]] Value call_plain(const Function& function, const std::vector<Value>& arguments,
                               ObjectTable& objects);

/// frozenset(items).
[[nodiscard]] Value make_frozen_set(std::span<const Value> items, ObjectTable& objects);

}  // namespace wick
