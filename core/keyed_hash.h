// SPDX-License-Identifier: MIT
// Hashes for what a file chooses: its names and its keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "wick/core/compiler.h"

namespace wick {

/// SipHash-1-3 (Aumasson and Bernstein, 2012) under a key that is drawn once in each process. Who
/// writes a file cannot foresee which of its names collide, so that a table of n of them takes
/// about n steps whatever they are. The values differ from run to run: nothing that is written or
/// shown may depend on them, nor on the order of a table.
/// Thread safety: may be called from several threads.
[[nodiscard]] WICK_API std::uint64_t keyed_hash(std::string_view bytes) noexcept;
[[nodiscard]] WICK_API std::uint64_t keyed_hash(std::uint64_t number) noexcept;

/// For tables with names of a file as their keys; looks up a string_view without a copy.
struct WICK_API NameHash {
  using is_transparent = void;
  [[nodiscard]] std::size_t operator()(std::string_view name) const noexcept {
    return static_cast<std::size_t>(keyed_hash(name));
  }
};

template <typename T>
using NameMap = std::unordered_map<std::string, T, NameHash, std::equal_to<>>;
using NameSet = std::unordered_set<std::string, NameHash, std::equal_to<>>;

}  // namespace wick
