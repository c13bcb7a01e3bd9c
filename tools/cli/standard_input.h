// SPDX-License-Identifier: MIT
// Standard input as a file, for readers that go to any place of it.
#pragma once

#include <filesystem>
#include <string>

namespace wick::tools {

/// A pipe is copied into a temporary file without a name, in the folder that TMPDIR says (/tmp),
/// which is gone with this object; a regular file is read where it is.
class StandardInput {
 public:
  StandardInput() = default;
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;
  ~StandardInput();

  /// The file that an argument names: standard input for "-", which is read to its end the first
  /// time; the argument itself else. Throws IoError where standard input is a terminal or cannot be
  /// read or copied, and for an argument that is a pipe or a device.
  [[nodiscard]] std::filesystem::path file_for(const std::filesystem::path& argument);

 private:
  std::filesystem::path path_;
  int copy_ = -1;
};

/// A message, or a path, with "standard input" in the place of what file_for() makes of it.
[[nodiscard]] std::string with_shown_names(std::string text);

}  // namespace wick::tools
