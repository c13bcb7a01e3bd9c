// SPDX-License-Identifier: MIT
// Which record of a checkpoint holds which storage, and how.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "serialize/checkpoint_archive.h"
#include "serialize/number_change.h"
#include "serialize/torch_names.h"
#include "wick/core/keyed_hash.h"

namespace wick {

struct StorageRecord {
  const ZipEntry* entry = nullptr;
  std::string location;      // the device that it was saved from
  NumberChange change = {};  // big-endian numbers are turned round, lazy views resolved
  std::uint64_t excess = 0;  // bytes behind the last whole element that the pickle announces
};

/// Collects the storages that a pickle names, and reads nothing of them. Keeps a reference to the
/// archive.
class StorageRecords {
 public:
  explicit StorageRecords(const CheckpointArchive& archive) : archive_(archive) {}

  /// The number of the storage for a tensor of `dtype`; the same for the same key and lazy bits,
  /// counted from 0 in the order in which they were first asked for. Throws ValueError where the
  /// record is missing (its place is the pickle's, which the reader adds), FormatError where it has
  /// another size.
  std::size_t add(const StorageId& id, DType dtype);

  [[nodiscard]] const std::vector<StorageRecord>& all() const noexcept { return records_; }

 private:
  const CheckpointArchive& archive_;
  std::vector<StorageRecord> records_;
  using Index = NameMap<std::size_t>;  // by key
  std::array<Index, 4> indices_;       // one for each pair of lazy bits
};

}  // namespace wick
