// SPDX-License-Identifier: MIT
// Where the directory of a ZIP archive lies.
#pragma once

#include <cstdint>

#include "serialize/input_file.h"

namespace wick {

struct ZipDirectory {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t count = 0;     // of its entries
  std::uint64_t end = 0;       // where the records after it begin
  std::uint64_t trailing = 0;  // bytes of the file behind the archive
};

/// Bytes that may follow an archive: as far as torch.load looks for its end.
inline constexpr std::uint64_t kMaxZipTrailing = 69562;

/// The end record whose comment reaches to the end of the file; where there is none, the last one
/// within kMaxZipTrailing bytes of it that speaks of a directory which is there. Throws FormatError
/// where neither is: the file is cut short, or more follows the archive than that. Reads at most
/// the last 64 MiB.
[[nodiscard]] ZipDirectory find_zip_directory(const InputFile& file);

}  // namespace wick
