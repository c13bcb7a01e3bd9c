// SPDX-License-Identifier: MIT
// From the records of a checkpoint into tensors that exist already.
#pragma once

#include <cstddef>
#include <vector>

#include "serialize/lazy_storages.h"
#include "serialize/storage_records.h"
#include "serialize/zip_reader.h"
#include "wick/core/tensor.h"

namespace wick {

struct LoadPair {
  const StorageRecord* record = nullptr;
  std::size_t number = 0;  // of the record, in `storages`
  Tensor source;           // its layout over the record; without elements
  Tensor target;           // of equal shape
};

/// Fills the targets. All that may fail by the file's content is done before the first of them
/// changes: with `verify`, the CRC-32 of every record; the records that must be unpacked or
/// converted are read first. Throws ValueError for a target whose elements share memory with each
/// other, or in another layout with a tensor that was read from the same record before.
void load_pairs(const ZipReader& zip, const std::vector<LoadPair>& pairs, LazyStorages& storages,
                bool verify);

}  // namespace wick
