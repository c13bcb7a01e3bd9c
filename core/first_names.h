// SPDX-License-Identifier: MIT
// The names that there are, for messages about one that there is not.
#pragma once

#include <cstddef>
#include <string>

namespace wick {

/// What `name_of` gives for the entries, with commas between; after some 200 characters "..."
/// stands for the rest.
template <typename Entries, typename NameOf>
[[nodiscard]] std::string first_names(const Entries& entries, const NameOf& name_of) {
  constexpr std::size_t kMost = 200;
  std::string names;
  for (const auto& entry : entries) {
    names += (names.empty() ? "" : ", ") + name_of(entry);
    if (names.size() > kMost) return names + ", ...";
  }
  return names;
}

}  // namespace wick
