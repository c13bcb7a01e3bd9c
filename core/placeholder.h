// SPDX-License-Identifier: MIT
// Stands for what Python code would make of a checkpoint and wick cannot: objects of other classes.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/core/value.h"

namespace wick {

/// An object, class or function of a checkpoint that is none of the kinds of Value, as far as the
/// file tells of it. None of its code was run. It is a key like any other, equal to itself only; it
/// cannot be saved.
// NOLINTNEXTLINE(cppcoreguidelines-special-member-functions): an aggregate has no constructors
struct WICK_API Placeholder {
  std::string type;                   // module and name: "argparse.Namespace"
  bool is_object = false;             // made by calling `type`; else `type` itself
  std::vector<Value> arguments = {};  // of the call
  Value keywords = {};                // of the call: a dict of str to values, or None
  Dict entries = {};                  // set by keys: of a subclass of dict
  std::vector<Value> items = {};      // appended: of a subclass of list or set
  Value state = {};  // what Python would set its attributes from, mostly a dict; or None

  ~Placeholder();  // however deep it is nested, as ~Items()
};

/// A value in a placeholder, and its name among the others as in dotted names of tensors.
struct PlaceholderPart {
  std::string name;
  Value value;
};

/// Arguments are named "<argument 0>"; keywords, entries and items by their key or index; the state
/// by its keys where it is a dict (or a pair of dicts, as objects with slots have), else "<state>".
[[nodiscard]] WICK_API std::vector<PlaceholderPart> parts_of(const Placeholder& placeholder);

/// How a key of a dict appears in dotted names: a str or int as it is, else "<position>".
[[nodiscard]] WICK_API std::string name_of_key(const Value& key, std::size_t position);

/// What placeholders_in() has found.
struct PlaceholderReport {
  /// One of them.
  struct Found {
    std::string name;  // dotted, as tensors' names; attributes lie below "__dict__"
    std::string type;
    bool is_object = false;
  };
  std::vector<Found> first;  // in the order of the value
  std::size_t count = 0;     // of all
};

/// The placeholders in a value, those inside others aside; at most `named` of them by their names.
[[nodiscard]] WICK_API PlaceholderReport placeholders_in(const Value& root, std::size_t named);

}  // namespace wick
