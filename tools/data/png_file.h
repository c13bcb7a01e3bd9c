// SPDX-License-Identifier: MIT
// PNG images as tensors.
#pragma once

#include <filesystem>

#include "core/tensor.h"

namespace wick::tools {

/// Reads a PNG of any kind into a uint8 tensor of shape (channels, height, width): one channel for
/// grey images, three (red, green, blue) for colour and palette images. 16-bit samples keep their
/// upper byte, fewer bits are scaled up to 8, transparency is dropped, gamma is left alone.
/// Throws IoError where the file cannot be read and FormatError where it is no sound PNG; messages
/// begin with the path. The memory it takes is bounded by the file's size.
[[nodiscard]] Tensor read_png(const std::filesystem::path& path);

/// Writes a uint8 tensor (1, height, width) or (3, height, width), whole or not at all.
void write_png(const Tensor& image, const std::filesystem::path& path);

}  // namespace wick::tools
