// SPDX-License-Identifier: MIT
// Values: making and changing.
#include "wick/c/value.h"

#include <complex>
#include <cstring>

#include "bindings/c/circles.h"
#include "bindings/c/literal.h"
#include "bindings/c/objects.h"
#include "wick/core/containers.h"

namespace {

using namespace wick;
using namespace wick::c;

template <typename Work>
wick_status make(const char* function, wick_value** result, Work&& work) {
  return call(function, [&] {
    const Result<ValueEntry> to(result);
    put(to, work());
  });
}

std::string bytes_of(const void* data, std::size_t bytes, std::string_view argument) {
  if (bytes == 0) return {};
  return {static_cast<const char*>(require(data, argument)), bytes};
}

// A key that is hashed and compared, which does not end for one that contains itself.
const Value& key_of(const ValueEntry& key) {
  require_no_circle(key.value);
  return key.value;
}

}  // namespace

wick_status wick_value_none(wick_value** result) {
  return make(__func__, result, [] { return Value(); });
}

wick_status wick_value_boolean(int value, wick_value** result) {
  return make(__func__, result, [&] { return Value(value != 0); });
}

wick_status wick_value_integer(int64_t value, wick_value** result) {
  return make(__func__, result, [&] { return Value(value); });
}

wick_status wick_value_real(double value, wick_value** result) {
  return make(__func__, result, [&] { return Value(value); });
}

wick_status wick_value_complex(double real, double imaginary, wick_value** result) {
  return make(__func__, result, [&] { return Value(std::complex<double>(real, imaginary)); });
}

wick_status wick_value_string(const char* text, size_t bytes, wick_value** result) {
  return make(__func__, result, [&] {
    const std::size_t count = bytes == SIZE_MAX ? std::strlen(require(text, "text")) : bytes;
    return Value(bytes_of(text, count, "text"));
  });
}

wick_status wick_value_bytes(const void* data, size_t bytes, wick_value** result) {
  return make(__func__, result, [&] { return Value(Bytes{bytes_of(data, bytes, "data")}); });
}

wick_status wick_value_byte_array(const void* data, size_t bytes, wick_value** result) {
  return make(__func__, result, [&] { return Value(ByteArray{bytes_of(data, bytes, "data")}); });
}

wick_status wick_value_big_integer(const char* decimal, wick_value** result) {
  return make(__func__, result,
              [&] { return Value(BigInteger::from_string(require(decimal, "decimal"))); });
}

wick_status wick_value_dtype(wick_dtype dtype, wick_value** result) {
  return make(__func__, result, [&] { return Value(dtype_of_number(dtype)); });
}

wick_status wick_value_size(const int64_t* sizes, size_t count, wick_value** result) {
  return make(__func__, result, [&] { return Value(Size{dims_of(sizes, count, "sizes")}); });
}

wick_status wick_value_device(const char* name, wick_value** result) {
  return make(__func__, result, [&] { return Value(DeviceName::parse(require(name, "name"))); });
}

wick_status wick_value_tensor(wick_tensor* tensor, wick_value** result) {
  return make(__func__, result,
              [&] { return Value(Pinned<TensorEntry>(tensor, "tensor")->tensor); });
}

wick_status wick_value_list(wick_value** result) {
  return make(__func__, result, [] { return Value(List{}); });
}

wick_status wick_value_tuple(wick_value** result) {
  return make(__func__, result, [] { return Value(Tuple{}); });
}

wick_status wick_value_dict(wick_value** result) {
  return make(__func__, result, [] { return Value(Dict{}); });
}

wick_status wick_value_ordered_dict(wick_value** result) {
  return make(__func__, result, [] { return Value(Dict(Dict::Type::ordered_dict)); });
}

wick_status wick_value_set_of(wick_value** result) {
  return make(__func__, result, [] { return Value(Set{}); });
}

wick_status wick_value_frozen_set(wick_value* set, wick_value** result) {
  return make(__func__, result,
              [&] { return Value(FrozenSet(Pinned<ValueEntry>(set, "set")->value.as_set())); });
}

wick_status wick_value_parse(const char* text, wick_value** result) {
  return make(__func__, result, [&] { return parse_literal(require(text, "text")); });
}

wick_status wick_value_append(wick_value* sequence, wick_value* item) {
  return call(__func__, [&] {
    const Pinned<ValueEntry> to(sequence, "sequence");
    const Pinned<ValueEntry> from(item, "item");
    switch (to->value.kind()) {
      case Value::Kind::tuple: to->value.as_tuple().push_back(from->value); break;
      case Value::Kind::set: to->value.as_set().insert(key_of(*from)); break;
      default: to->value.as_list().push_back(from->value);
    }
  });
}

wick_status wick_value_set(wick_value* dict, const char* key, wick_value* value) {
  return call(__func__, [&] {
    const Pinned<ValueEntry> to(dict, "dict");
    const Pinned<ValueEntry> from(value, "value");
    to->value.as_dict().set(Value(require(key, "key")), from->value);
  });
}

wick_status wick_value_set_by(wick_value* dict, wick_value* key, wick_value* value) {
  return call(__func__, [&] {
    const Pinned<ValueEntry> to(dict, "dict");
    const Pinned<ValueEntry> by(key, "key");
    const Pinned<ValueEntry> from(value, "value");
    to->value.as_dict().set(key_of(*by), from->value);
  });
}

wick_status wick_value_set_attributes(wick_value* dict, wick_value* attributes) {
  return call(__func__, [&] {
    const Pinned<ValueEntry> to(dict, "dict");
    const Pinned<ValueEntry> from(attributes, "attributes");
    Dict& target = to->value.as_dict();
    if (target.type() != Dict::Type::ordered_dict) {
      throw ValueError("only an OrderedDict has attributes; see wick_value_ordered_dict()");
    }
    target.set_attributes(from->value.is_none() ? nullptr
                                                : std::make_shared<Dict>(from->value.as_dict()));
  });
}

wick_status wick_value_take_apart(wick_value* value) {
  return call(__func__, [&] { take_apart(Pinned<ValueEntry>(value, "value")->value); });
}
