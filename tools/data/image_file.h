// SPDX-License-Identifier: MIT
// Images of any kind that the programs read, told apart by their content.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "wick/core/dims.h"
#include "wick/core/tensor.h"

namespace wick::tools {

/// Called with the shape (channels, height, width) that a file's header says, before anything is
/// decoded: a small file may hold a picture of a gigabyte. What it throws as ShapeError ("is 5 x 5
/// pixels; ...") comes out with the path in front.
using ShapeCheck = std::function<void(const Dims& shape)>;

/// Reads a PNG or JPEG file into a uint8 tensor of shape (channels, height, width): one channel for
/// grey images, three (red, green, blue) for others. Throws as read_png() and read_jpeg() do, and
/// FormatError for a file of another kind; messages begin with the path.
[[nodiscard]] Tensor read_image(const std::filesystem::path& path, const ShapeCheck& check = {});

/// Calls the check, if there is one; puts the name of the file before what it throws.
void check_shape(const ShapeCheck& check, const Dims& shape, const std::string& name);

/// True for a name with the ending of such a file, in capitals or not: .png, .jpg, .jpeg.
[[nodiscard]] bool is_image_name(const std::filesystem::path& path);

/// "PNG or JPEG"; "PNG" alone where JPEG is not built in.
[[nodiscard]] std::string image_kinds();

}  // namespace wick::tools
