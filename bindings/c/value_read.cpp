// SPDX-License-Identifier: MIT
// Values: reading.
#include <iterator>
#include <string>

#include "bindings/c/circles.h"
#include "bindings/c/objects.h"
#include "wick/c/value.h"

namespace {

using namespace wick;
using namespace wick::c;

static_assert(WICK_PLACEHOLDER == static_cast<int>(Value::Kind::placeholder));
static_assert(WICK_TENSOR == static_cast<int>(Value::Kind::tensor));
static_assert(WICK_DICT == static_cast<int>(Value::Kind::dict));
static_assert(WICK_REAL == static_cast<int>(Value::Kind::real));
static_assert(WICK_FROZEN_SET == static_cast<int>(Value::Kind::frozen_set));

using Reading = Pinned<ValueEntry>;

template <typename T, typename Work>
wick_status ask(const char* function, wick_value* value, T* result, const char* argument,
                Work&& work) {
  return call(function, [&] {
    require(result, argument);
    *result = work(Reading(value, "value")->value);
  });
}

template <typename Work>
wick_status derive(const char* function, wick_value* value, wick_value** result, Work&& work) {
  return call(function, [&] {
    const Result<ValueEntry> to(result);
    put(to, work(Reading(value, "value")->value));
  });
}

std::size_t length_of(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::dict: return value.as_dict().size();
    case Value::Kind::set: return value.as_set().size();
    case Value::Kind::frozen_set: return value.as_frozen_set().size();
    case Value::Kind::size: return value.as_size().size();
    case Value::Kind::list:
    case Value::Kind::tuple: return value.as_sequence().size();
    default: throw ValueError(concat("a ", value.kind_name(), " has no items"));
  }
}

void require_index(const Value& value, std::size_t index) {
  const std::size_t length = length_of(value);
  if (index >= length) {
    throw IndexError(
        concat("the index ", index, " is outside a ", value.kind_name(), " of ", length, " items"));
  }
}

template <typename Container>
const auto& nth(const Container& container, std::size_t index) {
  return *std::next(container.begin(), static_cast<std::ptrdiff_t>(index));
}

Value item_of(const Value& value, std::size_t index) {
  require_index(value, index);
  switch (value.kind()) {
    case Value::Kind::dict: return nth(value.as_dict(), index).second;
    case Value::Kind::set: return nth(value.as_set(), index).first;
    case Value::Kind::frozen_set: return nth(value.as_frozen_set(), index).first;
    case Value::Kind::size: return value.as_size()[index];
    default: return value.at_index(index);
  }
}

const std::string& text_of(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::bytes: return value.as_bytes().data;
    case Value::Kind::byte_array: return value.as_byte_array();
    default: return value.as_string();
  }
}

// What str() gives.
std::string printed(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::integer:
    case Value::Kind::big_integer: return value.as_big_integer().to_string();
    case Value::Kind::device: return to_string(value.as_device());
    case Value::Kind::dtype: return concat("torch.", name(value.as_dtype()));
    case Value::Kind::layout: return concat("torch.", name(value.as_layout()));
    default:
      throw ValueError(concat("a ", value.kind_name(),
                              " is no integer, device, dtype or layout, which have a text"));
  }
}

}  // namespace

wick_status wick_value_kind(wick_value* value, wick_kind* kind) {
  return ask(__func__, value, kind, "kind",
             [](const Value& v) { return static_cast<wick_kind>(v.kind()); });
}

wick_status wick_value_kind_name(wick_value* value, const char** result) {
  return ask(__func__, value, result, "name",
             [](const Value& v) { return v.kind_name().data(); });  // of a literal
}

wick_status wick_value_as_boolean(wick_value* value, int* result) {
  return ask(__func__, value, result, "result", [](const Value& v) { return v.as_bool() ? 1 : 0; });
}

wick_status wick_value_as_integer(wick_value* value, int64_t* result) {
  return ask(__func__, value, result, "result", [](const Value& v) { return v.as_int(); });
}

wick_status wick_value_as_real(wick_value* value, double* result) {
  return ask(__func__, value, result, "result", [](const Value& v) { return v.as_double(); });
}

wick_status wick_value_as_complex(wick_value* value, double* real, double* imaginary) {
  return call(__func__, [&] {
    require(real, "real");
    require(imaginary, "imaginary");
    const auto number = Reading(value, "value")->value.as_complex();
    *real = number.real();
    *imaginary = number.imag();
  });
}

wick_status wick_value_as_string(wick_value* value, const char** text, size_t* bytes) {
  return call(__func__, [&] {
    require(text, "text");
    const Reading of(value, "value");
    const std::string& found = text_of(of->value);
    *text = found.c_str();
    if (bytes != nullptr) *bytes = found.size();
  });
}

wick_status wick_value_as_text(wick_value* value, const char** text) {
  return ask(__func__, value, text, "text", [](const Value& v) {
    thread_local std::string last;
    last = printed(v);
    return last.c_str();
  });
}

wick_status wick_value_as_dtype(wick_value* value, wick_dtype* dtype) {
  return ask(__func__, value, dtype, "dtype",
             [](const Value& v) { return static_cast<wick_dtype>(v.as_dtype()); });
}

wick_status wick_value_as_tensor(wick_value* value, wick_tensor** result) {
  return call(__func__, [&] {
    const Result<TensorEntry> to(result);
    put(to, Reading(value, "value")->value.as_tensor());
  });
}

wick_status wick_value_length(wick_value* value, size_t* length) {
  return ask(__func__, value, length, "length", [](const Value& v) { return length_of(v); });
}

wick_status wick_value_item(wick_value* value, size_t index, wick_value** result) {
  return derive(__func__, value, result, [&](const Value& v) { return item_of(v, index); });
}

wick_status wick_value_key(wick_value* dict, size_t index, wick_value** result) {
  return derive(__func__, dict, result, [&](const Value& v) {
    (void)v.as_dict();
    require_index(v, index);
    return nth(v.as_dict(), index).first;
  });
}

wick_status wick_value_get(wick_value* dict, const char* key, wick_value** result) {
  return derive(__func__, dict, result,
                [&](const Value& v) { return v.as_dict().at(Value(require(key, "key"))); });
}

wick_status wick_value_get_by(wick_value* dict, wick_value* key, wick_value** result) {
  return derive(__func__, dict, result, [&](const Value& v) {
    const Reading by(key, "key");
    require_no_circle(by->value);
    return v.as_dict().at(by->value);
  });
}

wick_status wick_value_contains(wick_value* dict, const char* key, int* result) {
  return ask(__func__, dict, result, "result", [&](const Value& v) {
    return v.as_dict().find(Value(require(key, "key"))) == nullptr ? 0 : 1;
  });
}

wick_status wick_value_is_ordered(wick_value* dict, int* result) {
  return ask(__func__, dict, result, "result",
             [](const Value& v) { return v.as_dict().type() == Dict::Type::ordered_dict ? 1 : 0; });
}

wick_status wick_value_attributes(wick_value* dict, wick_value** result) {
  return derive(__func__, dict, result, [](const Value& v) {
    const std::shared_ptr<Dict>& attributes = v.as_dict().attributes();
    return attributes == nullptr ? Value() : Value(attributes);
  });
}

wick_status wick_value_identity(wick_value* value, const void** identity) {
  return ask(__func__, value, identity, "identity", [](const Value& v) { return v.identity(); });
}

wick_status wick_value_equal(wick_value* a, wick_value* b, int* equal) {
  return call(__func__, [&] {
    require(equal, "equal");
    const Reading first(a, "a");
    const Reading second(b, "b");
    require_no_circle(first->value);
    require_no_circle(second->value);
    *equal = first->value == second->value ? 1 : 0;
  });
}
