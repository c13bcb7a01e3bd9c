// SPDX-License-Identifier: MIT
// Reads many records, or parts of them, straight into memory, on several threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "serialize/number_change.h"
#include "serialize/zip_reader.h"

namespace wick {

/// A whole record. Its CRC-32 is checked.
struct RecordRead {
  const ZipEntry* entry = nullptr;
  char* to = nullptr;        // room for entry->size bytes; null: only the CRC is checked
  NumberChange change = {};  // of what comes there
};

/// `bytes` bytes from `begin` on of a stored record. Its CRC-32 is not checked.
struct RangeRead {
  const ZipEntry* entry = nullptr;
  std::uint64_t begin = 0;
  std::uint64_t bytes = 0;
  char* to = nullptr;
  NumberChange change = {};
};

/// Large records are read in pieces, small ones that lie side by side in one go. Throws FormatError
/// naming a damaged record; the memory then holds anything.
void read_records(const ZipReader& zip, std::vector<RecordRead> reads);
void read_ranges(const ZipReader& zip, const std::vector<RangeRead>& reads);

}  // namespace wick
