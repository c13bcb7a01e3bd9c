// SPDX-License-Identifier: MIT
#include "bindings/c/options.h"

#include <algorithm>

#include "bindings/c/literal.h"
#include "bindings/c/objects.h"

namespace wick::c {

Dict merge_options(const char* arguments, wick_value* options) {
  Dict result;
  if (arguments != nullptr) result = parse_arguments(arguments);
  if (options == nullptr) return result;
  const Pinned<ValueEntry> more(options, "options");
  for (const auto& [key, value] : more->value.as_dict()) {
    if (key.kind() != Value::Kind::string) {
      throw ValueError(concat("the names of options are texts, and one is a ", key.kind_name()));
    }
    if (result.find(key) != nullptr) {
      throw ValueError(concat("the option '", key.as_string(),
                              "' is in 'arguments' and in 'options'; give it once"));
    }
    result.set(key, value);
  }
  return result;
}

const Value* Options::take(std::string_view name) {
  taken_.push_back(name);
  return given_.find(Value(name));
}

void Options::refuse(std::string_view name, std::string_view wanted, const Value& found) const {
  throw ValueError(
      concat(class_, ": the option '", name, "' must be ", wanted, ", got ", found.kind_name()));
}

double Options::number_of(std::string_view name, const Value& value) const {
  if (value.kind() == Value::Kind::integer) return static_cast<double>(value.as_int());
  if (value.kind() != Value::Kind::real) refuse(name, "a number", value);
  return value.as_double();
}

void Options::number(std::string_view name, double& option) {
  if (const Value* const value = take(name)) option = number_of(name, *value);
}

void Options::integer(std::string_view name, std::int64_t& option) {
  const Value* const value = take(name);
  if (value == nullptr) return;
  if (value->kind() != Value::Kind::integer) refuse(name, "an int", *value);
  option = value->as_int();
}

void Options::flag(std::string_view name, bool& option) {
  const Value* const value = take(name);
  if (value == nullptr) return;
  if (value->kind() != Value::Kind::boolean) refuse(name, "a bool", *value);
  option = value->as_bool();
}

void Options::text(std::string_view name, std::string& option) {
  const Value* const value = take(name);
  if (value == nullptr) return;
  if (value->kind() != Value::Kind::string) refuse(name, "a str", *value);
  option = value->as_string();
}

void Options::tensor(std::string_view name, Tensor& option) {
  const Value* const value = take(name);
  if (value == nullptr || value->is_none()) return;
  if (value->kind() != Value::Kind::tensor) refuse(name, "a torch.Tensor or None", *value);
  option = value->as_tensor();
}

void Options::numbers(std::string_view name, std::span<double> option) {
  const Value* const value = take(name);
  if (value == nullptr) return;
  const bool is_sequence =
      value->kind() == Value::Kind::list || value->kind() == Value::Kind::tuple;
  if (!is_sequence || value->as_sequence().size() != option.size()) {
    refuse(name, concat(option.size(), " numbers in a tuple"), *value);
  }
  for (std::size_t i = 0; i < option.size(); ++i) option[i] = number_of(name, value->at_index(i));
}

void Options::optional_integer(std::string_view name, std::optional<std::int64_t>& option) {
  const Value* const value = take(name);
  if (value == nullptr || value->is_none()) return;
  if (value->kind() != Value::Kind::integer) refuse(name, "an int or None", *value);
  option = value->as_int();
}

void Options::optional_text(std::string_view name, std::optional<std::string>& option) {
  const Value* const value = take(name);
  if (value == nullptr || value->is_none()) return;
  if (value->kind() != Value::Kind::string) refuse(name, "a str or None", *value);
  option = value->as_string();
}

void Options::require_all_taken() const {
  for (const auto& [key, value] : given_) {
    if (std::ranges::find(taken_, key.as_string()) != taken_.end()) continue;
    std::string names;
    for (const std::string_view name : taken_) names += concat(names.empty() ? "" : ", ", name);
    throw ValueError(concat(class_, ": there is no option '", key.as_string(), "'; there are ",
                            names.empty() ? "none" : names));
  }
}

}  // namespace wick::c
