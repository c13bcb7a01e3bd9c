// SPDX-License-Identifier: MIT
// PyTorch's arguments of a constructor, as a caller gives them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wick/c/base.h"
#include "wick/core/value.h"

namespace wick::c {

/// A text of keyword arguments and a dict, each of which may be null, as one dict. Throws
/// ValueError for a key that both have and for a key that is no text.
[[nodiscard]] Dict merge_options(const char* arguments, wick_value* options);

/// Takes options out of a dict. Throws ValueError that names the class and the option.
class Options {
 public:
  Options(std::string_view class_name, const Dict& given) : class_(class_name), given_(given) {}

  // Each writes to `option` where the name is given, and leaves it as it is where it is not.

  void number(std::string_view name, double& option);
  void integer(std::string_view name, std::int64_t& option);
  void flag(std::string_view name, bool& option);
  void text(std::string_view name, std::string& option);
  void tensor(std::string_view name, Tensor& option);
  void numbers(std::string_view name, std::span<double> option);
  void optional_integer(std::string_view name, std::optional<std::int64_t>& option);
  void optional_text(std::string_view name, std::optional<std::string>& option);
  /// Takes an option that says only how PyTorch computes.
  void ignore(std::string_view name) { (void)take(name); }

  /// Throws where one is left.
  void require_all_taken() const;

 private:
  // Null where it is not given.
  [[nodiscard]] const Value* take(std::string_view name);
  [[noreturn]] void refuse(std::string_view name, std::string_view wanted,
                           const Value& found) const;
  [[nodiscard]] double number_of(std::string_view name, const Value& value) const;

  std::string_view class_;
  const Dict& given_;
  std::vector<std::string_view> taken_;
};

}  // namespace wick::c
