// SPDX-License-Identifier: MIT
// What a checkpoint says of a tensor, without its elements.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/core/value.h"

namespace wick {

/// All of a tensor but its elements.
struct WICK_API TensorInfo {
  /// The keys and indices that lead to it, joined by dots: "model.fc1.weight",
  /// "optimizer.state.0.exp_avg". Empty where the checkpoint is the tensor.
  std::string name;
  DType dtype = DType::float32;
  Dims shape;
  Dims strides;             // in elements
  std::int64_t offset = 0;  // of the first element, in elements from the start of the storage
  bool requires_grad = false;
  std::string record;  // of its storage: "archive/data/0"; none for one saved from "meta"
  std::uint64_t storage_bytes = 0;  // of the whole storage, which other tensors may share
  std::string device;               // that it was saved from: "cpu", "cuda:0", "meta"

  /// Of its elements.
  [[nodiscard]] std::uint64_t nbytes() const {
    return static_cast<std::uint64_t>(element_count(shape)) * size_of(dtype);
  }
};

/// What it says of a storage that was saved by itself.
struct StorageInfo {
  std::string name;            // as a tensor's
  std::optional<DType> dtype;  // of a TypedStorage
  std::string record;
  std::uint64_t bytes = 0;
  std::string device;
};

/// A storage of a file that is described, on the device "meta".
struct DescribedStorage {
  std::shared_ptr<Storage> storage;
  std::string location;  // the device that it was saved from
};

/// A tensor under its dotted name.
struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// A storage under its dotted name.
struct NamedStorage {
  std::string name;
  StorageObject storage;
};

/// What named_objects() has found.
struct NamedObjects {
  std::vector<NamedTensor> tensors;
  std::vector<NamedStorage> storages;  // that are values themselves
};

/// All tensors and storages of a value under dotted names, in its order. A container that lies in
/// several places counts at the first. Keys that are no str or int are named by their position:
/// "<0>". Values may be nested to any depth.
///
/// A long key in front of many tensors is a part of each name, so that the names may be far longer
/// than the value: above `max_name_bytes` for all of them together it throws ValueError.
[[nodiscard]] WICK_API NamedObjects named_objects(const Value& value,
                                                  std::uint64_t max_name_bytes = UINT64_MAX);

/// The bytes of names that a pickle of so many bytes may have: far more than checkpoints need.
[[nodiscard]] constexpr std::uint64_t max_name_bytes_of(std::uint64_t pickle_bytes) noexcept {
  return (std::uint64_t{16} << 20) + 32 * pickle_bytes;
}

}  // namespace wick
