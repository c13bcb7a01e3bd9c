// SPDX-License-Identifier: MIT
// Walks over what a tree of dicts, lists and tuples holds, with dotted names.
#pragma once

#include <functional>
#include <string>

#include "wick/core/value.h"

namespace wick {

/// Calls `visit` for everything that is no dict, list or tuple, and for each of these that is
/// empty, in order, with the keys and indices that lead to it, joined by dots. Keys that are no str
/// or int are named by their position: "<0>". A container that lies in several places counts at the
/// first. Neither recurses nor keeps names: values may be nested to any depth, and a key may be
/// long.
enum class Placeholders { whole, with_parts };
void visit_leaves(const Value& root,
                  const std::function<void(const std::string& name, const Value& leaf)>& visit,
                  Placeholders placeholders = Placeholders::with_parts);

}  // namespace wick
