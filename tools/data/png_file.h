// SPDX-License-Identifier: MIT
// PNG images as tensors.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "tools/data/image_file.h"
#include "wick/core/tensor.h"

namespace wick::tools {

/// Reads a PNG of any kind into a uint8 tensor of shape (channels, height, width): one channel for
/// grey images, three (red, green, blue) for colour and palette images. 16-bit samples keep their
/// upper byte, fewer bits are scaled up to 8, transparency is dropped, gamma is left alone.
/// Throws IoError where the file cannot be read and FormatError where it is no sound PNG; messages
/// begin with the path.
///
/// `check` may refuse the shape before anything is decoded. The memory is bounded whatever the
/// header says: a picture may have at most 1032 times the bytes of its file and 64 MiB, and is held
/// twice at most. A header that asks for more, or for more than DEFLATE could have packed into the
/// file, is a FormatError.
[[nodiscard]] Tensor read_png(const std::filesystem::path& path, const ShapeCheck& check = {});

/// True for bytes that begin as a PNG file does.
[[nodiscard]] bool is_png(std::span<const std::uint8_t> bytes) noexcept;

/// read_png() of a file's bytes; `path` is for messages.
[[nodiscard]] Tensor decode_png(std::span<const std::uint8_t> bytes,
                                const std::filesystem::path& path, const ShapeCheck& check = {});

/// Writes a uint8 tensor (1, height, width) or (3, height, width), whole or not at all.
void write_png(const Tensor& image, const std::filesystem::path& path);

}  // namespace wick::tools
