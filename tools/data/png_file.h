// SPDX-License-Identifier: MIT
// PNG images as tensors.
#pragma once

#include <filesystem>
#include <functional>

#include "wick/core/dims.h"
#include "wick/core/tensor.h"

namespace wick::tools {

/// Reads a PNG of any kind into a uint8 tensor of shape (channels, height, width): one channel for
/// grey images, three (red, green, blue) for colour and palette images. 16-bit samples keep their
/// upper byte, fewer bits are scaled up to 8, transparency is dropped, gamma is left alone.
/// Throws IoError where the file cannot be read and FormatError where it is no sound PNG; messages
/// begin with the path.
///
/// `check` is called with the shape that the header says, before anything is decoded: a small file
/// may hold a picture of a gigabyte. What it throws as ShapeError ("is 5 x 5 pixels; ...") comes
/// out with the path in front. The memory is bounded whatever the header says: a picture may have
/// at most 1032 times the bytes of its file and 64 MiB, and is held twice at most. A header that
/// asks for more, or for more than DEFLATE could have packed into the file, is a FormatError.
using ShapeCheck = std::function<void(const Dims& shape)>;
[[nodiscard]] Tensor read_png(const std::filesystem::path& path, const ShapeCheck& check = {});

/// Writes a uint8 tensor (1, height, width) or (3, height, width), whole or not at all.
void write_png(const Tensor& image, const std::filesystem::path& path);

}  // namespace wick::tools
