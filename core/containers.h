// SPDX-License-Identifier: MIT
// Walks over the containers in a value, which may contain themselves.
#pragma once

#include <utility>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/core/value.h"

namespace wick {

/// A list, tuple, dict, set or frozenset, a placeholder, or a tensor with attributes.
[[nodiscard]] WICK_API bool is_container(const Value& value);

/// The containers directly inside one.
[[nodiscard]] WICK_API std::vector<Value> containers_in(const Value& container);

/// Takes everything out of one, so that it holds nothing alive.
WICK_API void empty_container(const Value& container);

/// Empties every container in a value. Python's collector frees a list that contains itself; here
/// nothing does, so whoever drops a value of unknown origin, such as one that load() gave, calls
/// this first, or keeps it in a HeldValue. Other handles of the same containers see them empty.
WICK_API void take_apart(const Value& root);

/// A value that goes together with all that is in it, even if that is itself.
class WICK_API HeldValue {
 public:
  explicit HeldValue(Value value) : value_(std::move(value)) {}
  HeldValue(const HeldValue&) = delete;
  HeldValue& operator=(const HeldValue&) = delete;
  ~HeldValue() { take_apart(value_); }
  HeldValue& operator=(Value value) {
    take_apart(std::exchange(value_, std::move(value)));
    return *this;
  }
  [[nodiscard]] const Value& get() const noexcept { return value_; }
  /// Gives the value to the caller, whole.
  [[nodiscard]] Value release() noexcept { return std::exchange(value_, Value()); }

 private:
  Value value_;
};

}  // namespace wick
