// SPDX-License-Identifier: MIT
// The objects that a pickle makes while it is read: owns them, bounds them, and takes them apart.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "serialize/torch_globals.h"
#include "serialize/torch_names.h"
#include "wick/core/value.h"

namespace wick {

/// A pickle's stack holds, beside values, functions and classes, which no Value can hold, and
/// storages, of which it is not known yet whether a tensor will lie in them. A stand-in (an empty
/// tuple known to this table) takes their place, so that everything can be popped, put into tuples
/// and memoised alike.
///
/// The table keeps a handle to every container, so that none is destroyed before the end; it then
/// empties the containers which the result does not reach. So neither a deep nor a circular
/// structure of a damaged file can exhaust the stack or leak.
///
/// Errors are ValueErrors without an offset; the reader adds it.
class ObjectTable {
 public:
  using StandIn = std::variant<Function, StorageClass, StorageId>;

  /// `input_bytes`, what the pickle takes in its file, bounds the memory and time it may cause.
  /// With `placeholders`, functions and classes may stay in the result, as placeholders: these are
  /// their stand-ins then.
  explicit ObjectTable(std::uint64_t input_bytes, bool placeholders = false);
  ObjectTable(const ObjectTable&) = delete;
  ObjectTable& operator=(const ObjectTable&) = delete;
  ~ObjectTable();

  /// Registers a new container.
  Value add(Value container);
  Value add_stand_in(StandIn what);
  /// Null where the value is no stand-in.
  [[nodiscard]] const StandIn* stand_in(const Value& value) const;

  /// Accounts for memory or time, in bytes or in steps, and throws once there was too much of it.
  void spend(std::uint64_t work);
  /// Accounts for copying a value: strings are copied, containers only referred to.
  void spend_copy(const Value& value);
  /// Accounts for hashing a key, and throws for a stand-in.
  void spend_key(const Value& key);
  /// Accounts for making a new object out of the content of an argument.
  void spend_content(const Value& argument);

  /// accept() puts `with`, which is no container, in the place of an object that add() gave.
  void replace(const Value& object, Value with);
  /// Makes the value of a storage that lies among the values.
  using StorageMaker = std::function<Value(const StorageId&)>;
  /// Admits the finished value: without placeholders no function or class anywhere. Puts storages
  /// in the place of their stand-ins.
  void accept(Value& root, const StorageMaker& make);

 private:
  struct KeyInfo {
    // Of hashing it: the values in it, each counted as often as it occurs.
    std::uint64_t weight = 1;
    bool has_stand_in = false;  // in it, or in one of them
  };
  [[nodiscard]] std::uint64_t weight(const Value& value) const;
  void measure_key(const Value& container);
  [[nodiscard]] bool has_stand_in(const Value& key) const;
  /// True for what may not stay in the result.
  [[nodiscard]] bool is_replaced(const Value& value) const;
  [[nodiscard]] Value made_of(const Value& stand_in, const StorageMaker& make) const;
  void replace_stand_ins(const Value& container, const StorageMaker& make) const;

  std::uint64_t budget_;
  bool placeholders_;
  std::vector<Value> containers_;
  std::unordered_map<const void*, StandIn> stand_ins_;
  std::unordered_map<const void*, Value> replacements_;
  std::unordered_map<const void*, KeyInfo> keys_;  // tuples and frozen sets
  std::unordered_set<const void*> reached_;        // by an accepted result
};

}  // namespace wick
