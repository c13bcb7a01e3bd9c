// SPDX-License-Identifier: MIT
// Saves a value whose storages are brought into memory one after the other.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "wick/core/value.h"
#include "wick/serialize/checkpoint.h"

namespace wick {

/// Says where the bytes of a value's storages come from. Those of CheckpointFile::tree(), which are
/// on the device "meta", can be written so without holding all of them at once.
class StorageSupply {
 public:
  StorageSupply() = default;
  StorageSupply(const StorageSupply&) = delete;
  StorageSupply& operator=(const StorageSupply&) = delete;
  virtual ~StorageSupply() = default;

  /// The device that the file shall name ("cpu", "cuda:0"), whether it is there or not; empty for a
  /// storage that is written as it is.
  [[nodiscard]] virtual std::string location(const Storage& storage) const = 0;
  /// For a storage with a location: one on the CPU of as many bytes, which the file shall have.
  /// Called once for each, in the order of the file, while that is being written.
  [[nodiscard]] virtual std::shared_ptr<const Storage> bytes(const Storage& storage) const = 0;
};

/// save(), with the bytes that `supply` gives. Throws what that throws too; the file is not there
/// then, as after any error.
void save(const Value& value, const std::filesystem::path& path, const StorageSupply& supply,
          const SaveOptions& options = {});

}  // namespace wick
