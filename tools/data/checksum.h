// SPDX-License-Identifier: MIT
// A checksum that tells data sets apart.
#pragma once

#include <cstdint>

#include "wick/core/tensor.h"

namespace wick::tools {

/// CRC-32, as in gzip and zip, of a tensor's elements in row-major order; `before` is that of what
/// comes before them.
[[nodiscard]] std::uint32_t crc32_of(const Tensor& tensor, std::uint32_t before = 0);

}  // namespace wick::tools
