// SPDX-License-Identifier: MIT
#include "nn/module_options.h"

#include <algorithm>

#include "wick/core/error.h"

namespace wick::nn {
namespace {

std::string known_text(const Value& key) {
  return key.kind() == Value::Kind::string ? concat('\'', key.as_string(), '\'')
                                           : concat("that is a ", key.kind_name());
}

}  // namespace

const Value* ModuleOptions::take(std::string_view key) {
  taken_.push_back(key);
  return options_.find(std::string(key));
}

const Value& ModuleOptions::require(std::string_view key) {
  const Value* const value = take(key);
  if (value == nullptr)
    throw ValueError(concat(type_name_, ": the argument '", key, "' is missing"));
  return *value;
}

void ModuleOptions::refuse(std::string_view key, std::string_view wanted,
                           const Value& found) const {
  throw ValueError(concat(type_name_, ": the argument '", key, "' must be ", wanted, ", got ",
                          found.kind_name()));
}

std::int64_t ModuleOptions::integer_of(std::string_view key, const Value& value) const {
  if (value.kind() != Value::Kind::integer) refuse(key, "an int", value);
  return value.as_int();
}

std::int64_t ModuleOptions::integer(std::string_view key) {
  return integer_of(key, require(key));
}

std::int64_t ModuleOptions::integer(std::string_view key, std::int64_t otherwise) {
  const Value* const value = take(key);
  return value == nullptr ? otherwise : integer_of(key, *value);
}

std::optional<std::int64_t> ModuleOptions::optional_integer(std::string_view key) {
  const Value* const value = take(key);
  if (value == nullptr || value->kind() == Value::Kind::none) return std::nullopt;
  return integer_of(key, *value);
}

double ModuleOptions::number_of(std::string_view key, const Value& value) const {
  if (value.kind() == Value::Kind::integer) return static_cast<double>(value.as_int());
  if (value.kind() != Value::Kind::real) refuse(key, "a number", value);
  return value.as_double();
}

double ModuleOptions::number(std::string_view key, double otherwise) {
  const Value* const value = take(key);
  return value == nullptr ? otherwise : number_of(key, *value);
}

std::optional<double> ModuleOptions::optional_number(std::string_view key,
                                                     std::optional<double> otherwise) {
  const Value* const value = take(key);
  if (value == nullptr) return otherwise;
  if (value->kind() == Value::Kind::none) return std::nullopt;
  return number_of(key, *value);
}

bool ModuleOptions::flag(std::string_view key, bool otherwise) {
  const Value* const value = take(key);
  if (value == nullptr) return otherwise;
  if (value->kind() != Value::Kind::boolean) refuse(key, "a bool", *value);
  return value->as_bool();
}

std::optional<bool> ModuleOptions::optional_flag(std::string_view key) {
  const Value* const value = take(key);
  if (value == nullptr || value->kind() == Value::Kind::none) return std::nullopt;
  if (value->kind() != Value::Kind::boolean) refuse(key, "a bool", *value);
  return value->as_bool();
}

std::string ModuleOptions::text(std::string_view key, std::string_view otherwise) {
  const Value* const value = take(key);
  if (value == nullptr) return std::string(otherwise);
  if (value->kind() != Value::Kind::string) refuse(key, "a str", *value);
  return value->as_string();
}

Dims ModuleOptions::sizes(std::string_view key) {
  const Value& value = require(key);
  Dims result;
  switch (value.kind()) {
    case Value::Kind::integer: return {value.as_int()};
    case Value::Kind::list:
      for (const Value& item : value.as_list()) result.push_back(integer_of(key, item));
      return result;
    case Value::Kind::tuple:
      for (const Value& item : value.as_tuple()) result.push_back(integer_of(key, item));
      return result;
    case Value::Kind::size: return value.as_size();
    default: refuse(key, "an int or a sequence of ints", value);
  }
}

template <typename Visit>
void ModuleOptions::for_items(const Value& value, const Visit& visit) {
  switch (value.kind()) {
    case Value::Kind::list:
      for (const Value& item : value.as_list()) visit(item);
      return;
    case Value::Kind::tuple:
      for (const Value& item : value.as_tuple()) visit(item);
      return;
    case Value::Kind::size:
      for (const std::int64_t item : value.as_size()) visit(Value(item));
      return;
    default: visit(value);
  }
}

std::vector<std::optional<std::int64_t>> ModuleOptions::optional_sizes(std::string_view key) {
  std::vector<std::optional<std::int64_t>> result;
  const Value* const value = take(key);
  if (value == nullptr || value->kind() == Value::Kind::none) return result;
  for_items(*value, [&](const Value& item) {
    result.emplace_back();
    if (item.kind() != Value::Kind::none) result.back() = integer_of(key, item);
  });
  return result;
}

std::vector<double> ModuleOptions::numbers(std::string_view key) {
  std::vector<double> result;
  const Value* const value = take(key);
  if (value == nullptr || value->kind() == Value::Kind::none) return result;
  for_items(*value, [&](const Value& item) { result.push_back(number_of(key, item)); });
  return result;
}

bool ModuleOptions::is_text(std::string_view key) const {
  const Value* const value = options_.find(std::string(key));
  return value != nullptr && value->kind() == Value::Kind::string;
}

void ModuleOptions::require_only(std::string_view key, const Value& value) {
  const Value* const given = take(key);
  if (given == nullptr || (given->kind() == value.kind() && *given == value)) return;
  const std::string_view only = value.is_none() ? "None" : value.as_bool() ? "True" : "False";
  throw ValueError(concat(type_name_, ": the argument '", key, "' must be ", only,
                          ", the only value that there is here; leave it out"));
}

DType ModuleOptions::dtype() {
  const Value* const value = take("dtype");
  if (value == nullptr || value->kind() == Value::Kind::none) return DType::float32;
  if (value->kind() != Value::Kind::dtype) refuse("dtype", "a dtype", *value);
  return value->as_dtype();
}

Device ModuleOptions::device() {
  const Value* const value = take("device");
  if (value == nullptr || value->kind() == Value::Kind::none) return kCpu;
  if (value->kind() == Value::Kind::string) return Device::parse(value->as_string());
  if (value->kind() != Value::Kind::device) refuse("device", "a device", *value);
  return value->as_device().device();
}

void ModuleOptions::require_all_taken() const {
  for (const auto& [key, value] : options_) {
    const bool known = key.kind() == Value::Kind::string &&
                       std::ranges::find(taken_, key.as_string()) != taken_.end();
    if (known) continue;
    std::string names;
    for (const std::string_view name : taken_) names += concat(names.empty() ? "" : ", ", name);
    throw ValueError(concat(type_name_, ": there is no argument ", known_text(key), "; there are ",
                            names.empty() ? "none" : names));
  }
}

}  // namespace wick::nn
