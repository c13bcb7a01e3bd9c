// SPDX-License-Identifier: MIT
#include "tools/data/image_file.h"

#include <algorithm>
#include <cctype>

#include "tools/data/file.h"
#include "tools/data/jpeg_file.h"
#include "tools/data/png_file.h"
#include "wick/core/error.h"

namespace wick::tools {

Tensor read_image(const std::filesystem::path& path, const ShapeCheck& check) {
  const ByteBuffer file = read_file(path);
  if (is_jpeg(file.bytes())) return decode_jpeg(file.bytes(), path, check);
  if (is_png(file.bytes())) return decode_png(file.bytes(), path, check);
  throw FormatError(concat(path.string(), file.size == 0
                                              ? ": the file is empty"
                                              : ": not a PNG or JPEG image, by its first bytes"));
}

Tensor read_png(const std::filesystem::path& path, const ShapeCheck& check) {
  return decode_png(read_file(path).bytes(), path, check);
}

Tensor read_jpeg(const std::filesystem::path& path, const ShapeCheck& check) {
  return decode_jpeg(read_file(path).bytes(), path, check);
}

void check_shape(const ShapeCheck& check, const Dims& shape, const std::string& name) {
  if (!check) return;
  try {
    check(shape);
  } catch (const ShapeError& error) {
    throw ShapeError(concat(name, ": ", error.what()));
  }
}

bool is_jpeg(std::span<const std::uint8_t> bytes) noexcept {
  return bytes.size() >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff;
}

bool is_image_name(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
}

std::string image_kinds() {
  return has_jpeg() ? "PNG or JPEG" : "PNG";
}

}  // namespace wick::tools
