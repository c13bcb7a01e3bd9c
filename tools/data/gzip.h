// SPDX-License-Identifier: MIT
// Gzip (RFC 1952) of whole buffers.
#pragma once

#include <span>
#include <string>

#include "core/tensor.h"
#include "tools/data/file.h"

namespace wick::tools {

/// True where the bytes begin as a gzip file does.
[[nodiscard]] bool is_gzip(std::span<const std::uint8_t> bytes) noexcept;

/// Decompresses a gzip file of one or more members into a tensor (bytes) of uint8. Throws
/// FormatError that begins with `name` where the data is damaged, cut short, or followed by
/// anything else.
[[nodiscard]] Tensor gunzip(std::span<const std::uint8_t> bytes, const std::string& name);

/// Compresses into one member; `level` as in zlib, 1 (fast) to 12 (small).
[[nodiscard]] ByteBuffer gzip(std::span<const std::uint8_t> bytes, int level = 6);

}  // namespace wick::tools
