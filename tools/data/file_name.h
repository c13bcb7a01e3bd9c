// SPDX-License-Identifier: MIT
// Names of files as text for checkpoints, and back.
#pragma once

#include <string>
#include <string_view>

namespace wick::tools {

/// The name of a file or folder as a str that a checkpoint can hold: Python's os.fsdecode() under
/// UTF-8. Each byte that is not part of well-formed UTF-8 becomes the lone surrogate U+DC00 + byte
/// ("surrogateescape"), so that Python's os.fsencode() and file_name_of() give the name back.
[[nodiscard]] std::string text_of_file_name(std::string_view name);

/// The bytes of a name that text_of_file_name() or os.fsdecode() gave; other text stays as it is.
[[nodiscard]] std::string file_name_of(std::string_view text);

}  // namespace wick::tools
