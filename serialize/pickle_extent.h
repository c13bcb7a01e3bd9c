// SPDX-License-Identifier: MIT
// Finds where a pickle ends that has other data behind it.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace wick {

/// The bytes up to and with STOP of the pickle at the front of `bytes`, looking only at opcodes and
/// the lengths of their operands; empty where `bytes` ends before. Throws ValueError for an opcode
/// that is not in pickle_opcodes.h.
[[nodiscard]] std::optional<std::size_t> pickle_extent(std::string_view bytes);

}  // namespace wick
