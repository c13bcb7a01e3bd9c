// SPDX-License-Identifier: MIT
// In the place of jpeg_file.cpp where there is no libjpeg.
#include "tools/data/jpeg_file.h"
#include "wick/core/error.h"

namespace wick::tools {

bool has_jpeg() noexcept {
  return false;
}

Tensor decode_jpeg(std::span<const std::uint8_t> /*bytes*/, const std::filesystem::path& path,
                   const ShapeCheck& /*check*/) {
  throw FormatError(concat(path.string(),
                           ": is a JPEG image, and this program was built without libjpeg; install"
                           " libjpeg-dev (Debian, Ubuntu) and build it again with -DWICK_JPEG=ON,"
                           " or convert the image to PNG"));
}

}  // namespace wick::tools
