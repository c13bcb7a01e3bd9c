// SPDX-License-Identifier: MIT
// Unpacks the beginning of deflated data (RFC 1951), however long the whole is.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>

namespace wick {

/// Gives the next packed bytes, at least one of them; none at the end of the data. What it gives
/// must stay until the next call.
using PackedSource = std::function<std::span<const char>()>;

/// The first `count` bytes of what the data unpack to, or all where that is less. Asks the source
/// for no more than it takes; memory is `count` bytes and a little. Empty where the data are
/// damaged or end before they should. For a header: libdeflate, which unpacks data only whole, is
/// much faster.
[[nodiscard]] std::optional<std::string> inflate_beginning(const PackedSource& source,
                                                           std::size_t count);

}  // namespace wick
