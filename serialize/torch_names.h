// SPDX-License-Identifier: MIT
// How PyTorch names dtypes and storage classes inside a pickle.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "serialize/number_change.h"
#include "wick/core/dtype.h"

namespace wick {

/// What a pickle's persistent id says of a storage: ('storage', class, key, location, numel).
struct StorageId {
  std::string key;             // the record data/<key>
  std::optional<DType> dtype;  // of the class; none for torch.UntypedStorage, which counts bytes
  std::string location;        // "cpu", "cuda:0", ...
  std::int64_t numel = 0;
  // Files from before PyTorch 0.4 name a part of the storage, in elements; others the whole.
  std::int64_t view_offset = 0;
  std::int64_t view_numel = 0;
  // Not the storage's, but of the tensor for which it is asked for: it gets one of its own, in
  // which they are resolved, together with the other tensors that have the same.
  LazyBits bits = {};
};

/// The class in module torch that holds elements of a dtype ("FloatStorage"); empty for the newer
/// dtypes, which PyTorch keeps in untyped storages and rebuilds by _rebuild_tensor_v3.
[[nodiscard]] std::optional<std::string_view> storage_class(DType dtype) noexcept;
/// The inverse; empty where no class of that name is known.
[[nodiscard]] std::optional<DType> dtype_of_storage_class(std::string_view name) noexcept;

}  // namespace wick
