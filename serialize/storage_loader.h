// SPDX-License-Identifier: MIT
// Brings the storages of a checkpoint from its records into the memory of their devices.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "core/storage.h"
#include "serialize/map_location.h"
#include "serialize/torch_names.h"
#include "serialize/zip_reader.h"

namespace wick {

/// Reads each record data/<key> once; all tensors over it share what it gave.
class StorageLoader {
 public:
  /// `big_endian`: numbers in the records are stored that way and are turned round. Keeps
  /// references to `zip` and `map_location`.
  StorageLoader(const ZipReader& zip, std::string archive_name, bool big_endian,
                const MapLocation& map_location);

  /// The storage for a tensor of `dtype`. Throws ValueError where the record is missing (its
  /// place is the pickle's, which the reader adds), FormatError where it has another size,
  /// DeviceError where the device is not there.
  [[nodiscard]] std::shared_ptr<Storage> load(const StorageId& id, DType dtype);

 private:
  struct Loaded {
    std::shared_ptr<Storage> storage;
    std::size_t swapped = 1;  // bytes of the numbers that were turned round
  };
  [[nodiscard]] std::shared_ptr<Storage> read(const ZipEntry& entry, Backend& backend,
                                              std::size_t number_bytes) const;

  const ZipReader& zip_;
  std::string archive_name_;
  bool big_endian_;
  const MapLocation& map_location_;
  std::unordered_map<std::string, Loaded> loaded_;
};

}  // namespace wick
