// SPDX-License-Identifier: MIT
#include "serialize/serialization_id.h"

#include <cstdint>
#include <functional>
#include <unordered_set>

#include "wick/core/text.h"

namespace wick {
namespace {

// PyTorch's at::hash_combine.
std::uint64_t combine(std::uint64_t seed, std::uint64_t value) {
  return seed ^ (value + 0x9e3779b9 + (seed << 6) + (seed >> 2));
}

}  // namespace

std::string serialization_id(const std::vector<ZipWriter::Record>& records) {
  std::uint64_t crcs = 0;
  // PyTorch's text depends on the order of this very container: with libstdc++ both agree;
  // elsewhere the text is another, equally good one, since nobody computes it again.
  std::unordered_set<std::string> names;
  for (const ZipWriter::Record& record : records) {
    if (record.size != 0) crcs = combine(crcs, record.crc);  // PyTorch leaves empty ones out
    names.insert(record.name);
  }
  std::uint64_t hashes = 0;
  for (const std::string& name : names) hashes = combine(hashes, std::hash<std::string>{}(name));
  return zero_padded(hashes, 20) + zero_padded(crcs, 20);
}

}  // namespace wick
