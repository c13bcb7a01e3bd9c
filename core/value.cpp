// SPDX-License-Identifier: MIT
#include "wick/core/value.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>

#include "core/first_names.h"
#include "wick/core/error.h"

namespace wick {
namespace {

constexpr std::array<std::string_view, 21> kKindNames = {
    "None",          "bool",         "int",          "float", "complex",   "str",
    "bytes",         "list",         "tuple",        "dict",  "set",       "torch.Size",
    "torch.dtype",   "torch.device", "torch.Tensor", "int",   "bytearray", "frozenset",
    "torch.Storage", "torch.layout", "placeholder"};

constexpr std::array<std::string_view, 14> kFactories = {
    "bool", "bytearray", "bytes", "complex", "dict",  "float",   "frozenset",
    "int",  "list",      "set",   "str",     "tuple", "Counter", "OrderedDict"};

bool is_nan(const Value& key) {
  if (key.kind() == Value::Kind::real) return std::isnan(key.as_double());
  if (key.kind() != Value::Kind::complex) return false;
  const std::complex<double> value = key.as_complex();
  return std::isnan(value.real()) || std::isnan(value.imag());
}

std::string describe(const Value& key) {
  if (key.kind() == Value::Kind::string) return concat('"', key.as_string(), '"');
  if (key.kind() == Value::Kind::integer) return concat(key.as_int());
  // Not the digits of a big one: working them out takes the square of their number.
  return concat("of kind ", key.kind_name());
}

}  // namespace

Tensor StorageObject::tensor() const {
  const DType elements = dtype.value_or(DType::uint8);
  const std::size_t count = storage->bytes() / size_of(elements);
  return {storage, elements, {static_cast<std::int64_t>(count)}, {1}, 0};
}

namespace {

template <typename T>
std::shared_ptr<T> not_null(std::shared_ptr<T> pointer, const char* what) {
  if (pointer == nullptr) throw ValueError(concat("Value: the pointer to a ", what, " is null"));
  return pointer;
}

}  // namespace

Value::Value(std::string value) : data_(std::move(value)) {}
Value::Value(std::string_view value) : data_(std::string(value)) {}
Value::Value(Bytes value) : data_(std::move(value)) {}

Value::Value(const char* value) {
  if (value == nullptr) throw ValueError("Value: the pointer to a text is null");
  data_ = std::string(value);
}
Value::Value(std::shared_ptr<List> value) : data_(not_null(std::move(value), "list")) {}
Value::Value(std::shared_ptr<Tuple> value) : data_(not_null(std::move(value), "tuple")) {}
Value::Value(std::shared_ptr<Dict> value) : data_(not_null(std::move(value), "dict")) {}
Value::Value(std::shared_ptr<Set> value) : data_(not_null(std::move(value), "set")) {}
Value::Value(std::shared_ptr<FrozenSet> value) : data_(not_null(std::move(value), "frozenset")) {}
Value::Value(std::shared_ptr<Placeholder> value)
    : data_(not_null(std::move(value), "placeholder")) {}
Value::Value(DeviceName value) : data_(std::make_shared<const DeviceName>(std::move(value))) {}
Value::Value(List value) : data_(std::make_shared<List>(std::move(value))) {}
Value::Value(Tuple value) : data_(std::make_shared<Tuple>(std::move(value))) {}
Value::Value(Dict value) : data_(std::make_shared<Dict>(std::move(value))) {}
Value::Value(Set value) : data_(std::make_shared<Set>(std::move(value))) {}
Value::Value(Size value) : data_(std::make_shared<Size>(std::move(value))) {}
Value::Value(FrozenSet value) : data_(std::make_shared<FrozenSet>(std::move(value))) {}
Value::Value(ByteArray value) : data_(std::make_shared<ByteArray>(std::move(value))) {}
Value::Value(TensorObject value) : data_(std::make_shared<TensorObject>(std::move(value))) {}
Value::Value(Tensor value) : Value(TensorObject{std::move(value)}) {}
Value::Value(StorageObject value) {
  if (value.storage == nullptr) throw ValueError("Value: a StorageObject without a storage");
  data_ = std::move(value);
}
Value::Value(BigInteger value) {
  if (const auto small = value.to_int64()) {
    data_ = *small;
  } else {
    data_ = std::move(value);
  }
}

Value::Data Value::data_of(std::uint64_t bits, bool fits_int64) {
  if (fits_int64) return static_cast<std::int64_t>(bits);
  return BigInteger::from_string(concat(bits));
}

Value Value::parameter(Tensor value, bool requires_grad) {
  value.set_requires_grad(requires_grad);
  return TensorObject{std::move(value), true};
}

std::string_view Value::kind_name() const noexcept {
  return kKindNames[data_.index()];
}

template <typename T>
const T& Value::get(std::string_view wanted) const {
  const T* const held = std::get_if<T>(&data_);
  if (held == nullptr) throw ValueError(concat("expected a ", wanted, ", got a ", kind_name()));
  return *held;
}

bool Value::as_bool() const {
  return get<bool>("bool");
}
std::int64_t Value::as_int() const {
  if (kind() == Kind::big_integer) {
    throw ValueError(concat("an int of ", as_big_integer().bytes().size(),
                            " bytes does not fit 64 bits; use as_big_integer()"));
  }
  return get<std::int64_t>("int");
}
BigInteger Value::as_big_integer() const {
  if (kind() != Kind::integer) return get<BigInteger>("int");
  const auto bits = static_cast<std::uint64_t>(as_int());
  std::string bytes;
  for (int shift = 0; shift < 64; shift += 8) {
    bytes.push_back(static_cast<char>(static_cast<unsigned char>(bits >> shift)));
  }
  return BigInteger::from_bytes(std::move(bytes));
}
double Value::as_double() const {
  if (kind() == Kind::big_integer) {
    const double value = get<BigInteger>("int").to_double();
    if (std::isinf(value)) {
      throw ValueError(concat("an int of ", as_big_integer().bytes().size(),
                              " bytes is beyond the range of float64"));
    }
    return value;
  }
  if (kind() == Kind::boolean) return as_bool() ? 1.0 : 0.0;
  if (kind() == Kind::integer) return static_cast<double>(as_int());
  return get<double>("float");
}
std::complex<double> Value::as_complex() const {
  return get<std::complex<double>>("complex");
}
const std::string& Value::as_string() const {
  return get<std::string>("str");
}
const Bytes& Value::as_bytes() const {
  return get<Bytes>("bytes");
}
std::string& Value::as_byte_array() const {
  return get<std::shared_ptr<ByteArray>>("bytearray")->data;
}
std::vector<Value>& Value::as_list() const {
  return get<std::shared_ptr<List>>("list")->items;
}
std::vector<Value>& Value::as_tuple() const {
  return get<std::shared_ptr<Tuple>>("tuple")->items;
}
const std::vector<Value>& Value::as_sequence() const {
  return kind() == Kind::tuple ? as_tuple() : get<std::shared_ptr<List>>("list or tuple")->items;
}
Dict& Value::as_dict() const {
  return *get<std::shared_ptr<Dict>>("dict");
}
Set& Value::as_set() const {
  return *get<std::shared_ptr<Set>>("set");
}
const FrozenSet& Value::as_frozen_set() const {
  return *get<std::shared_ptr<FrozenSet>>("frozenset");
}
const Dims& Value::as_size() const {
  return get<std::shared_ptr<Size>>("torch.Size")->dims;
}
DType Value::as_dtype() const {
  return get<DType>("torch.dtype");
}
const DeviceName& Value::as_device() const {
  return *get<std::shared_ptr<const DeviceName>>("torch.device");
}
Layout Value::as_layout() const {
  return get<Layout>("torch.layout");
}
const StorageObject& Value::as_storage() const {
  return get<StorageObject>("torch.Storage");
}
const Tensor& Value::as_tensor() const {
  return as_tensor_object().tensor;
}
TensorObject& Value::as_tensor_object() const {
  return *get<std::shared_ptr<TensorObject>>("torch.Tensor");
}

Placeholder& Value::as_placeholder() const {
  return *get<std::shared_ptr<Placeholder>>("placeholder");
}

const Value& Value::at(const Value& key) const {
  return as_dict().at(key);
}

const Value& Value::operator[](const Value& key) const {
  if (kind() == Kind::dict) return as_dict().at(key);
  if (kind() != Kind::list && kind() != Kind::tuple) {
    throw ValueError(concat("[]: expected a dict, list or tuple, got a ", kind_name()));
  }
  if (key.kind() != Kind::integer) {
    throw ValueError(
        concat("[]: the index of a ", kind_name(), " must be an int, got a ", key.kind_name()));
  }
  const auto size = static_cast<std::int64_t>(as_sequence().size());
  const std::int64_t index = key.as_int();
  if (index < -size || index >= size) {
    throw IndexError(concat("index ", index, " is out of range for a ", kind_name(), " of ", size));
  }
  return as_sequence()[static_cast<std::size_t>(index < 0 ? index + size : index)];
}

bool Value::contains(const Value& key) const {
  return as_dict().find(key) != nullptr;
}

const Value& Value::at_index(std::size_t index) const {
  const std::vector<Value>& items = as_sequence();
  if (index >= items.size()) {
    throw IndexError(
        concat("index ", index, " is out of range for a ", kind_name(), " of ", items.size()));
  }
  return items[index];
}

const void* Value::identity() const noexcept {
  return std::visit(
      []<typename T>(const T& held) -> const void* {
        if constexpr (requires { held.get(); }) {
          return held.get();
        } else {
          return nullptr;
        }
      },
      data_);
}

Dict::Dict(std::initializer_list<Entry> entries) {
  for (const auto& [key, value] : entries) set(key, value);
}

Dict Dict::default_dict(std::string_view factory) {
  if (!factory.empty() && std::ranges::find(kFactories, factory) == kFactories.end()) {
    throw ValueError(concat("Dict::default_dict: \"", factory.substr(0, 40),
                            "\" is none of default_factories()"));
  }
  Dict dict(Type::default_dict);
  dict.default_factory_ = factory;
  return dict;
}

std::span<const std::string_view> Dict::default_factories() noexcept {
  return kFactories;
}

Value* Dict::find(const Value& key) {
  if (is_nan(key)) return nullptr;
  const auto [first, last] = index_.equal_range(hash_key(key));
  for (auto it = first; it != last; ++it) {
    if (entries_[it->second].first == key) return &entries_[it->second].second;
  }
  return nullptr;
}

const Value* Dict::find(const Value& key) const {
  return const_cast<Dict*>(this)->find(key);
}

const Value& Dict::at(const Value& key) const {
  const Value* const found = find(key);
  if (found != nullptr) return *found;
  const auto described = [](const Entry& entry) { return describe(entry.first); };
  throw ValueError(concat("no key ", describe(key), " in a dict with keys [",
                          first_names(entries_, described), "]"));
}

void Dict::set(Value key, Value value) {
  if (Value* const found = find(key)) {
    *found = std::move(value);
    return;
  }
  // A NaN is found by nobody; a million of them under one hash would take a trillion steps.
  if (!is_nan(key)) index_.emplace(hash_key(key), entries_.size());
  entries_.emplace_back(std::move(key), std::move(value));
}

Set::Set(std::initializer_list<Value> items) {
  for (const Value& item : items) insert(item);
}

}  // namespace wick
