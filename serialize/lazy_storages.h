// SPDX-License-Identifier: MIT
// The storages of an open checkpoint, brought into memory one by one, when they are asked for.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "serialize/mapped_file.h"
#include "serialize/storage_records.h"
#include "wick/core/storage.h"
#include "wick/serialize/map_location.h"

namespace wick {

class Backend;

/// Maps a record where it can be mapped, and reads it where not; gives the same storage again while
/// one of its tensors lives. Thread-safe.
class LazyStorages {
 public:
  /// The numbers below are those of `records`. Keeps references to both.
  LazyStorages(const CheckpointArchive& archive, const StorageRecords& records,
               MapLocation map_location, bool mmap, bool verify)
      : archive_(archive),
        records_(records),
        map_location_(std::move(map_location)),
        mmap_(mmap),
        verify_(verify) {}

  /// Several at once, which is faster than one after the other.
  [[nodiscard]] std::vector<std::shared_ptr<Storage>> get(std::span<const std::size_t> numbers);
  [[nodiscard]] std::shared_ptr<Storage> get(std::size_t number) {
    return get(std::span(&number, 1)).front();
  }

 private:
  [[nodiscard]] std::shared_ptr<Storage> find(std::size_t number);
  [[nodiscard]] std::shared_ptr<Storage> keep(std::size_t number, std::shared_ptr<Storage> storage);
  [[nodiscard]] std::shared_ptr<const MappedFile> mapping();
  /// Null where it must be read.
  [[nodiscard]] std::shared_ptr<Storage> map(const StorageRecord& record, Backend& backend);

  const CheckpointArchive& archive_;
  const StorageRecords& records_;
  MapLocation map_location_;
  bool mmap_;
  bool verify_;
  std::mutex mutex_;  // of what follows
  std::vector<std::weak_ptr<Storage>> known_;
  std::weak_ptr<const MappedFile> mapping_;
};

}  // namespace wick
