// SPDX-License-Identifier: MIT
#include "core/value.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>

#include "core/error.h"

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

bool is_number(Value::Kind kind) {
  return (kind >= Value::Kind::boolean && kind <= Value::Kind::complex) ||
         kind == Value::Kind::big_integer;
}

// True where the float is that integer exactly: beyond 2^53 not every integer is one.
bool same_number(std::int64_t integer, double real) {
  if (!(real >= -0x1p63 && real < 0x1p63)) return false;
  const auto truncated = static_cast<std::int64_t>(real);
  return truncated == integer && static_cast<double>(truncated) == real;
}

bool numbers_equal(const Value& a, const Value& b) {
  using Kind = Value::Kind;
  const auto integral = [](const Value& v) { return v.kind() <= Kind::integer; };
  const auto integer = [](const Value& v) {
    return v.kind() == Kind::boolean ? std::int64_t{v.as_bool()} : v.as_int();
  };
  const auto to_complex = [](const Value& v) {
    return v.kind() == Kind::complex ? v.as_complex() : std::complex<double>(v.as_double());
  };
  if (b.kind() == Kind::big_integer) {
    if (a.kind() == Kind::big_integer) return a.as_big_integer() == b.as_big_integer();
    if (integral(a)) return false;  // what fits 64 bits is never a BigInteger
    const std::complex<double> other = to_complex(a);
    return other.imag() == 0.0 && b.as_big_integer() == other.real();
  }
  if (a.kind() == Kind::big_integer) return numbers_equal(b, a);
  if (integral(a) && integral(b)) return integer(a) == integer(b);
  if (integral(b)) return numbers_equal(b, a);
  if (integral(a)) {
    const std::complex<double> other = to_complex(b);
    return other.imag() == 0.0 && same_number(integer(a), other.real());
  }
  return to_complex(a) == to_complex(b);
}

std::string describe(const Value& key) {
  if (key.kind() == Value::Kind::string) return concat('"', key.as_string(), '"');
  if (key.kind() == Value::Kind::integer) return concat(key.as_int());
  // Not the digits of a big one: working them out takes the square of their number.
  return concat("of kind ", key.kind_name());
}

std::size_t combine(std::size_t seed, std::size_t hash) {
  return seed ^ (hash + 0x9E3779B97F4A7C15ULL + (seed << 6) + (seed >> 2));
}

// Of the storages whole, what is left behind the last element too.
bool storages_equal(const StorageObject& a, const StorageObject& b) {
  return a.dtype == b.dtype &&
         bitwise_equal(StorageObject{a.storage}.tensor(), StorageObject{b.storage}.tensor());
}

bool sets_equal(const Set& a, const Set& b) {
  return a.size() == b.size() &&
         std::ranges::all_of(a, [&b](const Dict::Entry& entry) { return b.contains(entry.first); });
}

}  // namespace

Tensor StorageObject::tensor() const {
  const DType elements = dtype.value_or(DType::uint8);
  const std::size_t count = storage->bytes() / size_of(elements);
  return {storage, elements, {static_cast<std::int64_t>(count)}, {1}, 0};
}

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
Device Value::as_device() const {
  return get<Device>("torch.device");
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

bool operator==(const Value& a, const Value& b) {
  using Kind = Value::Kind;
  if (is_number(a.kind()) && is_number(b.kind())) return numbers_equal(a, b);
  if (a.kind() != b.kind()) return false;
  if (a.identity() != nullptr && a.identity() == b.identity()) return true;
  switch (a.kind()) {
    case Kind::none: return true;
    case Kind::string: return a.as_string() == b.as_string();
    case Kind::bytes: return a.as_bytes() == b.as_bytes();
    case Kind::list:
    case Kind::tuple: return a.as_sequence() == b.as_sequence();
    case Kind::dict: {
      const Dict& left = a.as_dict();
      const Dict& right = b.as_dict();
      if (left.size() != right.size() || left.type() != right.type() ||
          left.default_factory() != right.default_factory()) {
        return false;
      }
      // An OrderedDict compares its order too, as in Python.
      if (left.type() == Dict::Type::ordered_dict) {
        return std::equal(left.begin(), left.end(), right.begin());
      }
      for (const auto& [key, value] : left) {
        const Value* const other = right.find(key);
        if (other == nullptr || !(value == *other)) return false;
      }
      return true;
    }
    case Kind::byte_array: return a.as_byte_array() == b.as_byte_array();
    case Kind::set: return sets_equal(a.as_set(), b.as_set());
    case Kind::frozen_set: return sets_equal(a.as_frozen_set().items(), b.as_frozen_set().items());
    case Kind::size: return a.as_size() == b.as_size();
    case Kind::dtype: return a.as_dtype() == b.as_dtype();
    case Kind::device: return a.as_device() == b.as_device();
    case Kind::layout: return a.as_layout() == b.as_layout();
    case Kind::storage: return storages_equal(a.as_storage(), b.as_storage());
    case Kind::tensor: return bitwise_equal(a.as_tensor(), b.as_tensor());
    default: return false;
  }
}

std::size_t hash_key(const Value& key) {
  using Kind = Value::Kind;
  const auto salted = [&key](std::size_t hash) {
    return combine(static_cast<std::size_t>(key.kind()), hash);
  };
  switch (key.kind()) {
    case Kind::none: return 0;
    case Kind::boolean: return std::hash<double>{}(key.as_double());
    case Kind::integer:
    case Kind::real: return std::hash<double>{}(key.as_double());  // equal numbers, equal hashes
    case Kind::big_integer: {
      const BigInteger value = key.as_big_integer();
      const double real = value.to_double();
      return value == real ? std::hash<double>{}(real) : std::hash<std::string>{}(value.bytes());
    }
    case Kind::complex: {
      const std::complex<double> value = key.as_complex();
      const std::size_t real = std::hash<double>{}(value.real());
      return value.imag() == 0.0 ? real : combine(real, std::hash<double>{}(value.imag()));
    }
    case Kind::string: return std::hash<std::string>{}(key.as_string());
    case Kind::bytes: return salted(std::hash<std::string>{}(key.as_bytes().data));
    case Kind::tuple: {
      std::size_t hash = salted(0);
      for (const Value& item : key.as_tuple()) hash = combine(hash, hash_key(item));
      return hash;
    }
    case Kind::frozen_set: {
      std::size_t hash = 0;  // the same in any order
      for (const auto& [item, unused] : key.as_frozen_set()) hash += combine(0, hash_key(item));
      return salted(hash);
    }
    case Kind::size: {
      std::size_t hash = salted(0);
      for (const std::int64_t size : key.as_size()) {
        hash = combine(hash, static_cast<std::size_t>(size));
      }
      return hash;
    }
    case Kind::dtype: return salted(static_cast<std::size_t>(key.as_dtype()));
    case Kind::device: return salted(std::hash<std::string>{}(to_string(key.as_device())));
    case Kind::layout: return salted(static_cast<std::size_t>(key.as_layout()));
    case Kind::placeholder: return salted(std::hash<const void*>{}(key.identity()));
    default: break;
  }
  throw ValueError(concat("a ", key.kind_name(), " cannot be a key: it is not hashable"));
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
  std::string there;
  for (const auto& [other, value] : entries_) {
    there += (there.empty() ? "" : ", ") + describe(other);
    if (there.size() > 200) {
      there += ", ...";
      break;
    }
  }
  throw ValueError(concat("no key ", describe(key), " in a dict with keys [", there, "]"));
}

void Dict::set(Value key, Value value) {
  if (Value* const found = find(key)) {
    *found = std::move(value);
    return;
  }
  index_.emplace(hash_key(key), entries_.size());
  entries_.emplace_back(std::move(key), std::move(value));
}

Set::Set(std::initializer_list<Value> items) {
  for (const Value& item : items) insert(item);
}

}  // namespace wick
