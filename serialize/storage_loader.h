// SPDX-License-Identifier: MIT
// Brings the storages of a checkpoint from its records into the memory of their devices.
#pragma once

#include <memory>
#include <vector>

#include "serialize/checkpoint_archive.h"
#include "serialize/storage_records.h"
#include "wick/core/storage.h"
#include "wick/serialize/map_location.h"

namespace wick {

class Backend;

/// Makes storages without content as the pickle names them, then reads all of them at once: each
/// record one time, straight into the storage's memory. Keeps references to the
/// archive and to map_location.
class StorageLoader {
 public:
  StorageLoader(const CheckpointArchive& archive, const MapLocation& map_location)
      : archive_(archive), map_location_(map_location), records_(archive) {}

  /// The storage for a tensor of `dtype`, shared by all tensors over it; its bytes come with
  /// read(). Throws what StorageRecords::add() and MapLocation::backend() throw.
  [[nodiscard]] std::shared_ptr<Storage> add(const StorageId& id, DType dtype);
  /// Throws FormatError where a record is damaged.
  void read() const;

 private:
  const CheckpointArchive& archive_;
  const MapLocation& map_location_;
  StorageRecords records_;
  std::vector<std::shared_ptr<Storage>> storages_;  // of records_
};

/// A storage on `backend` with room for the record, after all that can be checked without reading
/// its data.
[[nodiscard]] std::shared_ptr<Storage> make_storage(const ZipReader& zip,
                                                    const StorageRecord& record, Backend& backend);

struct StorageRead {
  const StorageRecord* record = nullptr;
  Storage* to = nullptr;
};
/// Fills the storages, each of which has its record's size. Nothing is read for those on the device
/// "meta".
void read_storages(const ZipReader& zip, const std::vector<StorageRead>& reads);

}  // namespace wick
