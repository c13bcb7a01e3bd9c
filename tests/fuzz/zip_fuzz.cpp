// SPDX-License-Identifier: MIT
// Any bytes as a ZIP archive: every record is read or refused, both ways, with the same result.
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "serialize/input_file.h"
#include "serialize/record_reads.h"
#include "serialize/zip_reader.h"
#include "tests/fuzz/memory_file.h"
#include "wick/core/error.h"

namespace wick {
namespace {

std::optional<std::string> read_alone(const ZipReader& zip, const ZipEntry& entry) {
  try {
    return zip.read(entry);
  } catch (const Error&) {
    return std::nullopt;
  }
}

// As load() does: memory first, then the bytes with all their checks.
std::optional<std::string> read_together(const ZipReader& zip, const ZipEntry& entry) {
  try {
    zip.check(entry);
    std::string bytes(static_cast<std::size_t>(entry.size), '\0');
    read_records(zip, {{&entry, bytes.data(), 1}});
    return bytes;
  } catch (const Error&) {
    return std::nullopt;
  }
}

void read_archive(std::string_view bytes) {
  const testing::MemoryFile memory(bytes);
  const InputFile file(memory.path());
  const ZipReader zip(file);
  for (const ZipEntry& entry : zip.entries()) {
    if (zip.find(entry.name) != &entry) std::abort();
    if (read_alone(zip, entry) != read_together(zip, entry)) std::abort();
  }
}

}  // namespace
}  // namespace wick

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    wick::read_archive(wick::testing::as_text(data, size));
  } catch (const wick::Error&) {
  }
  return 0;
}
