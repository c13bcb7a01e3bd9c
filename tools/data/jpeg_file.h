// SPDX-License-Identifier: MIT
// JPEG images as tensors, where libjpeg is built in (WICK_JPEG).
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "tools/data/image_file.h"
#include "wick/core/tensor.h"

namespace wick::tools {

/// Whether libjpeg is built in; elsewhere decode_jpeg() throws FormatError that says so.
[[nodiscard]] bool has_jpeg() noexcept;

/// True for bytes that begin as a JPEG file does.
[[nodiscard]] bool is_jpeg(std::span<const std::uint8_t> bytes) noexcept;

/// Decodes a JPEG file, baseline or progressive, into a uint8 tensor of shape (channels, height,
/// width): one channel for grey images, three (red, green, blue) for colour, with libjpeg's
/// defaults, as Pillow does. The note of an orientation is left alone, as torchvision's ImageFolder
/// leaves it. `path` is for messages, which begin with it.
///
/// Throws FormatError where it is no sound JPEG, cut short or damaged ones among them, for CMYK
/// images, and where the program was built without libjpeg. The memory is bounded whatever the
/// header says: a picture may have at most 1536 times the bytes of its file and 64 MiB, and libjpeg
/// may take four times that beside it. The time is bounded too: at most 100 scans.
[[nodiscard]] Tensor decode_jpeg(std::span<const std::uint8_t> bytes,
                                 const std::filesystem::path& path, const ShapeCheck& check = {});

/// decode_jpeg() of a file. Throws IoError where it cannot be read.
[[nodiscard]] Tensor read_jpeg(const std::filesystem::path& path, const ShapeCheck& check = {});

}  // namespace wick::tools
