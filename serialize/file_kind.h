// SPDX-License-Identifier: MIT
// Says what a file that is no checkpoint looks like.
#pragma once

#include <string>

#include "serialize/input_file.h"

namespace wick {

/// True where it begins like a ZIP archive.
[[nodiscard]] bool looks_like_zip(const InputFile& file);
/// One clause for a message: "it is empty", "it looks like gzip", ...
[[nodiscard]] std::string describe_foreign_file(const InputFile& file);

}  // namespace wick
