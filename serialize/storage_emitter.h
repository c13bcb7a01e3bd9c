// SPDX-License-Identifier: MIT
// Names the storages of a pickle: their keys are the records in which their bytes will lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "serialize/pickle_emitter.h"
#include "serialize/storage_supply.h"
#include "wick/core/value.h"

namespace wick {

/// Emits the persistent ids of storages, each under one key whoever views it. Keeps a reference to
/// the emitter.
class StorageEmitter {
 public:
  /// `supply`: of the devices that are named, or null for those that the storages are on.
  StorageEmitter(PickleEmitter& emit, const StorageSupply* supply) : emit_(emit), supply_(supply) {}

  /// The storage in which a tensor lies. Throws DTypeError where the elements of what was named
  /// before have another class, which PyTorch's format cannot hold.
  void add_for(const Tensor& tensor);
  /// A storage that is a value itself. Throws as well where PyTorch has no class for its dtype, and
  /// ValueError where it is on the device meta.
  void add(const StorageObject& object);

  /// `result[i]` belongs into the record data/<i>.
  [[nodiscard]] std::vector<std::shared_ptr<Storage>> release() { return std::move(storages_); }

 private:
  struct Known {
    std::size_t key = 0;
    DType dtype = DType::float32;
    std::uint32_t key_memo = 0;
  };
  /// Without a dtype: as an untyped one.
  void emit(const std::shared_ptr<Storage>& storage, std::optional<DType> dtype);

  [[nodiscard]] std::string location_of(const Storage& storage) const;

  PickleEmitter& emit_;
  const StorageSupply* supply_;
  std::unordered_map<const Storage*, Known> known_;
  std::vector<std::shared_ptr<Storage>> storages_;
};

}  // namespace wick
