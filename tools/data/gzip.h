// SPDX-License-Identifier: MIT
// Gzip (RFC 1952) of whole buffers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tools/data/file.h"
#include "wick/core/tensor.h"

namespace wick::tools {

/// True where the bytes begin as a gzip file does.
[[nodiscard]] bool is_gzip(std::span<const std::uint8_t> bytes) noexcept;

/// DEFLATE cannot do better than 258 bytes for two bits, so no honest file grows more than this.
inline constexpr std::size_t kMaxGzipRatio = 1032;

/// The first bytes of what a gzip file of one or more members holds, `count` of them or as many as
/// can be had; takes no longer and no more memory than these need.
[[nodiscard]] std::vector<std::uint8_t> gunzip_beginning(std::span<const std::uint8_t> bytes,
                                                         std::size_t count);

/// Decompresses a gzip file of one or more members, with or without zeros behind them, into a
/// tensor (bytes) of uint8, of at most `size` bytes. Throws FormatError that begins with `name`
/// where it holds more, cannot hold as many, is damaged or cut short, or followed by anything else.
[[nodiscard]] Tensor gunzip(std::span<const std::uint8_t> bytes, std::size_t size,
                            const std::string& name);

/// Compresses into one member; `level` as in zlib, 1 (fast) to 12 (small).
[[nodiscard]] ByteBuffer gzip(std::span<const std::uint8_t> bytes, int level = 6);

}  // namespace wick::tools
