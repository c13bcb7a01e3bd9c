// SPDX-License-Identifier: MIT
// CRC-32 as ZIP has it (polynomial 0x04C11DB7, reflected), also of parts computed apart.
#pragma once

#include <cstdint>
#include <span>

namespace wick {

/// Continues from `crc`, 0 at the beginning.
[[nodiscard]] std::uint32_t crc32(std::uint32_t crc, std::span<const char> bytes) noexcept;

/// The CRC of two pieces one behind the other, from that of each and the second's length.
[[nodiscard]] std::uint32_t crc32_combine(std::uint32_t first, std::uint32_t second,
                                          std::uint64_t second_bytes) noexcept;

}  // namespace wick
