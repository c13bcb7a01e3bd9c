// SPDX-License-Identifier: MIT
// What the admitted functions and classes of a pickle do with their arguments.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "serialize/object_table.h"
#include "serialize/torch_names.h"
#include "wick/core/value.h"

namespace wick {

/// Gives the storage that a tensor of a dtype lies in: the same for the same key.
using StorageSource = std::function<std::shared_ptr<Storage>(const StorageId&, DType)>;

/// The result of `function(*arguments)`; a tensor of a class that is a placeholder becomes one with
/// the tensor as its argument. Throws ValueError for arguments that it does not take and
/// ShapeError where a tensor reaches outside its storage, both without an offset.
[[nodiscard]] Value call(const Function& function, const std::vector<Value>& arguments,
                         ObjectTable& objects, const StorageSource& storages);

/// A storage that is a value by itself. Throws ValueError, and what `storages` throws.
[[nodiscard]] Value make_storage_object(const StorageId& id, const StorageSource& storages);

/// ('storage', class, key, location, numel[, view]).
[[nodiscard]] StorageId storage_id(const Value& persistent_id, const ObjectTable& objects);

}  // namespace wick
