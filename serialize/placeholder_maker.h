// SPDX-License-Identifier: MIT
// Makes placeholders of what a pickle's names and calls mean that are not admitted. Runs nothing.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "serialize/object_table.h"
#include "wick/core/placeholder.h"
#include "wick/serialize/foreign_objects.h"

namespace wick {

/// For one pickle. Its placeholders belong to the table, which bounds them as it does all objects.
/// Errors are ValueErrors without an offset.
class PlaceholderMaker {
 public:
  PlaceholderMaker(ObjectTable& objects, ForeignObjects& found)
      : objects_(objects), found_(found) {}

  /// The class or function of a name that find_global() does not know. Throws for names that are
  /// not UTF-8.
  [[nodiscard]] Value global(std::string_view module, std::string_view name);
  /// What calling a class or function gives, which may be one of the admitted too: a placeholder
  /// that keeps the arguments; or a number or a tensor, of NumPy's.
  [[nodiscard]] Value call(const Value& callable, std::vector<Value> arguments,
                           Value keywords = {});
  /// As call(), for an admitted function that cannot take these arguments.
  [[nodiscard]] Value call(const Function& function, std::vector<Value> arguments);
  /// Of an object that pickle keeps outside: the class behind ("module", class, ...), else one that
  /// keeps the id.
  [[nodiscard]] Value persistent(const Value& id);

  /// True where a placeholder among the arguments may be why an admitted function does not take
  /// them.
  [[nodiscard]] bool has_placeholder(const std::vector<Value>& arguments);

  /// Puts tensors in the place of NumPy's arrays, which are complete only now. Before
  /// ObjectTable::accept().
  void finish();

 private:
  [[nodiscard]] Value object(std::string type, std::vector<Value> arguments, Value keywords);

  ObjectTable& objects_;
  ForeignObjects& found_;
  std::map<std::string, Value, std::less<>> globals_;
  std::vector<Value> arrays_;
};

}  // namespace wick
