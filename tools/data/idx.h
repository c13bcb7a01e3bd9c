// SPDX-License-Identifier: MIT
// IDX, the format of MNIST's files: arrays of bytes with a big-endian header.
// http://yann.lecun.com/exdb/mnist/ describes it at the end of the page.
#pragma once

#include <filesystem>

#include "core/tensor.h"

namespace wick::tools {

/// Reads an IDX file of unsigned bytes, plain or gzip (told by its content, not its name), into a
/// uint8 tensor of the file's shape. Throws IoError where the file cannot be read, and FormatError
/// for a wrong magic number, or a length that differs from what the header says. All messages
/// begin with the path. The memory it takes is bounded by the file's size, whatever its header
/// says.
[[nodiscard]] Tensor read_idx(const std::filesystem::path& path);

enum class Compression : std::uint8_t { none, gzip };

/// Writes a uint8 tensor of one to four dimensions, whole or not at all. Throws IoError, DTypeError
/// or ShapeError.
void write_idx(const Tensor& values, const std::filesystem::path& path,
               Compression compression = Compression::gzip);

}  // namespace wick::tools
