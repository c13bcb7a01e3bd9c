// SPDX-License-Identifier: MIT
// A file's bytes as memory, read by the system as they are touched.
#pragma once

#include <cstddef>

#include "serialize/input_file.h"

namespace wick {

/// Maps the whole file privately: writing to the memory changes the memory alone (the system copies
/// each page at its first write), never the file. The descriptor may be closed before.
///
/// What others write to the file may or may not show in pages that were not written here, and
/// touching bytes that were cut off since ends the process with SIGBUS; no program can prevent
/// either. Files that are replaced (renamed over, as save() does) stay as they were.
class MappedFile {
 public:
  /// Throws IoError where the file is shorter than when it was opened, or cannot be mapped.
  explicit MappedFile(const InputFile& file);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] char* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace wick
