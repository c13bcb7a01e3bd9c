// SPDX-License-Identifier: MIT
#include "optim/option_reader.h"

#include <cmath>

#include "wick/core/error.h"

namespace wick::optim {

std::optional<double> number_in(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::boolean:
    case Value::Kind::integer:
    case Value::Kind::real: return value.as_double();
    case Value::Kind::tensor: {
      const Tensor& tensor = value.as_tensor();
      if (!tensor.defined() || tensor.numel() != 1 || is_complex(tensor.dtype()) ||
          is_opaque(tensor.dtype())) {
        return {};
      }
      return tensor.to(kCpu).to(DType::float64).item<double>();
    }
    default: return {};
  }
}

void throw_where_problems(std::string_view operation, const std::vector<std::string>& problems) {
  if (problems.empty()) return;
  std::string message = concat(operation, "the state does not fit; nothing was changed:");
  for (const std::string& problem : problems) message += "\n  " + problem;
  throw StateDictError(message);
}

void OptionReader::complain(std::string_view key, std::string_view wanted, const Value* found) {
  problems_.push_back(found == nullptr ? concat(where_, " has no '", key, "'")
                                       : concat(where_, ": '", key, "' must be ", wanted,
                                                ", found ", found->kind_name()));
}

std::optional<double> OptionReader::optional_number(std::string_view key) {
  const Value* const found = options_.find(key);
  if (found == nullptr) return {};
  const std::optional<double> value = number_in(*found);
  if (!value) complain(key, "a number", found);
  return value;
}

std::optional<std::string> OptionReader::optional_text(std::string_view key) {
  const Value* const found = options_.find(key);
  if (found == nullptr || found->is_none()) return {};
  if (found->kind() == Value::Kind::string) return found->as_string();
  complain(key, "a string or None", found);
  return {};
}

double OptionReader::number(std::string_view key) {
  if (!has(key)) complain(key, "a number", nullptr);
  return optional_number(key).value_or(0.0);
}

std::pair<double, double> OptionReader::pair(std::string_view key) {
  const Value* const found = options_.find(key);
  if (found != nullptr &&
      (found->kind() == Value::Kind::tuple || found->kind() == Value::Kind::list) &&
      found->as_sequence().size() == 2) {
    const std::optional<double> first = number_in(found->at_index(0));
    const std::optional<double> second = number_in(found->at_index(1));
    if (first && second) return {*first, *second};
  }
  complain(key, "two numbers", found);
  return {};
}

Value OptionReader::number_value(std::string_view key) {
  const double value = number(key);
  if (std::isnan(value)) problem(concat("'", key, "' must not be nan"));
  const Value* const found = options_.find(key);
  const bool as_it_is =
      found != nullptr && found->kind() != Value::Kind::tensor && number_in(*found).has_value();
  return as_it_is ? *found : Value(value);
}

Value OptionReader::count(std::string_view key) {
  constexpr double kMost = 0x1p53;
  Value value = number_value(key);
  if (std::abs(value.as_double()) <= kMost) return value;
  if (!std::isnan(value.as_double())) {
    problem(concat("'", key, "' must be at most 2^53 in size, found ", value.as_double()));
  }
  return 0;
}

Value OptionReader::count(std::string_view key, const Value& otherwise) {
  return has(key) ? count(key) : otherwise;
}

std::vector<double> OptionReader::numbers(std::string_view key, std::size_t count,
                                          std::string_view what) {
  const Value* const found = options_.find(key);
  std::vector<double> values;
  if (found != nullptr &&
      (found->kind() == Value::Kind::list || found->kind() == Value::Kind::tuple)) {
    for (const Value& item : found->as_sequence()) {
      const std::optional<double> value = number_in(item);
      if (value) values.push_back(*value);
    }
    if (values.size() == count && found->as_sequence().size() == count) return values;
  }
  complain(key, concat("a list of ", count, " numbers, ", what), found);
  return std::vector<double>(count);
}

void OptionReader::problem(std::string_view sentence) {
  problems_.push_back(concat(where_, ": ", sentence));
}

bool OptionReader::flag(std::string_view key, bool otherwise) {
  const Value* const found = options_.find(key);
  if (found == nullptr) return otherwise;
  if (found->kind() == Value::Kind::boolean) return found->as_bool();
  // Old programs wrote 0 and 1.
  if (found->kind() == Value::Kind::integer) return found->as_int() != 0;
  complain(key, "True or False", found);
  return otherwise;
}

}  // namespace wick::optim
