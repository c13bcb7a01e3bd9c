// SPDX-License-Identifier: MIT
// Turns a value into the pickle that torch.save would write for it (protocol 2).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "wick/core/value.h"

namespace wick {

class StorageSupply;

/// A pickle and what it refers to: `storages[i]` belongs into the record data/<i>.
struct Pickled {
  std::string bytes;
  std::vector<std::shared_ptr<Storage>> storages;
};

/// Emits the opcodes, and numbers the memo, in the order of CPython's pickler, so that equal values
/// give PyTorch's own bytes where Python's object identities can be known:
/// - containers, sizes, devices and tensors are memoised by Value::identity();
/// - str by value where Python interns them (identifiers, single characters), else never;
/// - each storage is named once, whoever views it.
///
/// Containers may lie in each other to any depth; torch.load reads them, while torch.save itself
/// gives up at some hundred levels.
///
/// Throws ValueError for what no pickle can hold (a str that is not UTF-8, an undefined tensor),
/// and DTypeError where tensors of different dtypes share a storage, which PyTorch cannot save
/// either.
/// With `supply`, the devices of storages are those that it names.
[[nodiscard]] Pickled pickle_value(const Value& value, const StorageSupply* supply = nullptr);

}  // namespace wick
