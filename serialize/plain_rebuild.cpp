// SPDX-License-Identifier: MIT
#include "serialize/plain_rebuild.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "serialize/utf8.h"
#include "wick/core/error.h"

namespace wick {
namespace {

using Arguments = std::vector<Value>;
using Kind = Value::Kind;

// The items that the only argument of set() and its like gives.
std::span<const Value> items_of(const Arguments& arguments) {
  if (arguments.empty()) return {};
  return arguments[0].as_sequence();
}

// OrderedDict(), or OrderedDict([(key, value), ...]) as Python 2 wrote it.
Value make_ordered_dict(const Arguments& arguments, ObjectTable& objects) {
  auto dict = std::make_shared<Dict>(Dict::Type::ordered_dict);
  for (const Value& pair : items_of(arguments)) {
    const std::vector<Value>& items = pair.as_sequence();
    require_count("an item of OrderedDict", items, 2, 2);
    objects.spend_key(items[0]);
    dict->set(items[0], items[1]);
  }
  return objects.add(std::move(dict));
}

Value make_counter(const Arguments& arguments, ObjectTable& objects) {
  auto counter = std::make_shared<Dict>(Dict::Type::counter);
  if (!arguments.empty()) {
    for (const auto& [key, count] : arguments[0].as_dict()) {
      objects.spend_key(key);
      counter->set(key, count);
    }
  }
  return objects.add(std::move(counter));
}

Value make_default_dict(const Arguments& arguments, ObjectTable& objects) {
  std::string_view factory;
  if (!arguments.empty() && !arguments[0].is_none()) {
    const auto* const what = objects.stand_in(arguments[0]);
    const auto* const function = what == nullptr ? nullptr : std::get_if<Function>(what);
    if (function == nullptr) throw ValueError("defaultdict: its factory is no type");
    factory = function->name;
  }
  return objects.add(Dict::default_dict(factory));
}

Set set_of(std::span<const Value> items, ObjectTable& objects) {
  Set set;
  for (const Value& item : items) {
    objects.spend_key(item);
    set.insert(item);
  }
  return set;
}

void require_latin1(std::string_view function, const std::string& encoding) {
  if (encoding == "latin1" || encoding == "latin-1") return;
  throw ValueError(
      concat(function, ": the encoding must be \"latin1\", got \"", encoding.substr(0, 40), '"'));
}

std::string encode(std::string_view function, const Arguments& arguments) {
  require_latin1(function, arguments[1].as_string());
  auto bytes = utf8_to_latin1(arguments[0].as_string());
  if (!bytes) throw ValueError(concat(function, ": a character is above U+00FF"));
  return *std::move(bytes);
}

// bytearray(), bytearray(bytes), or bytearray(text, "latin-1") of Python before 3.8.
Value make_byte_array(const Arguments& arguments, ObjectTable& objects) {
  ByteArray array;
  if (arguments.size() == 2) array.data = encode("bytearray", arguments);
  if (arguments.size() == 1) array.data = arguments[0].as_bytes().data;
  return objects.add(std::move(array));
}

// device("cuda"), device("cuda:1") or device("cuda", 1).
Value make_device(const Arguments& arguments) {
  const std::string& type = arguments[0].as_string();
  try {
    if (arguments.size() == 1) return DeviceName::parse(type);
    const std::int64_t index = arguments[1].as_int();
    if (index > std::numeric_limits<int>::max()) {
      throw DeviceError(concat("a device with index ", index));
    }
    return DeviceName(type, static_cast<int>(std::max<std::int64_t>(index, -1)));
  } catch (const DeviceError& error) {
    throw ValueError(error.what());
  }
}

// _get_layout("torch.strided")
Value make_layout(const Arguments& arguments) {
  constexpr std::string_view kModule = "torch.";
  const std::string& text = arguments[0].as_string();
  const auto layout = text.starts_with(kModule)
                          ? layout_from_name(std::string_view(text).substr(kModule.size()))
                          : std::nullopt;
  if (!layout) throw ValueError(concat('"', text.substr(0, 40), "\" is no torch.layout"));
  return *layout;
}

struct Range {
  std::size_t least;
  std::size_t most;
};

Range argument_range(Callable callable) {
  switch (callable) {
    case Callable::encode:
    case Callable::complex: return {2, 2};
    case Callable::device: return {1, 2};
    case Callable::byte_array: return {0, 2};
    case Callable::bytes: return {0, 0};
    case Callable::layout: return {1, 1};
    default: return {0, 1};
  }
}

}  // namespace

void require_count(std::string_view function, const Arguments& arguments, std::size_t least,
                   std::size_t most) {
  if (arguments.size() < least || arguments.size() > most) {
    throw ValueError(concat(function, " does not take ", arguments.size(), " argument(s)"));
  }
}

Dims dims_of(const Value& value) {
  if (value.kind() == Kind::size) return value.as_size();
  Dims dims;
  for (const Value& size : value.as_sequence()) dims.push_back(size.as_int());
  return dims;
}

Value make_frozen_set(std::span<const Value> items, ObjectTable& objects) {
  return objects.add(FrozenSet(set_of(items, objects)));
}

Value call_plain(const Function& function, const Arguments& arguments, ObjectTable& objects) {
  const auto [least, most] = argument_range(function.callable);
  require_count(function.name, arguments, least, most);
  switch (function.callable) {
    case Callable::ordered_dict: return make_ordered_dict(arguments, objects);
    case Callable::counter: return make_counter(arguments, objects);
    case Callable::default_dict: return make_default_dict(arguments, objects);
    case Callable::set: return objects.add(set_of(items_of(arguments), objects));
    case Callable::frozen_set: return make_frozen_set(items_of(arguments), objects);
    case Callable::bytes: return Bytes{};
    case Callable::byte_array: return make_byte_array(arguments, objects);
    case Callable::encode: return Bytes{encode("_codecs.encode", arguments)};
    case Callable::complex:
      return std::complex<double>(arguments[0].as_double(), arguments[1].as_double());
    case Callable::size: return arguments.empty() ? Size{} : Size{dims_of(arguments[0])};
    case Callable::device: return make_device(arguments);
    case Callable::layout: return make_layout(arguments);
    default: throw ValueError(concat("calls of ", function.name, " are not admitted"));
  }
}

}  // namespace wick
