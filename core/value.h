// SPDX-License-Identifier: MIT
// What a checkpoint can hold: Python's plain objects, and tensors.
#pragma once

#include <complex>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "wick/core/big_integer.h"
#include "wick/core/compiler.h"
#include "wick/core/layout.h"
#include "wick/core/tensor.h"

namespace wick {

class Value;
class Dict;
class FrozenSet;
class Set;
struct Placeholder;
class StateDict;
class ValueComparison;

/// Python's bytes.
struct Bytes {
  std::string data;
  friend bool operator==(const Bytes&, const Bytes&) = default;
};

/// Python's bytearray.
struct ByteArray {
  std::string data;
};

/// torch.Size.
struct Size {
  Dims dims;
  friend bool operator==(const Size&, const Size&) = default;
};

/// A vector whose items are destroyed one after the other, however deep they are nested: a file may
/// hold a list in a list in a list a million times, and no thread's stack is deep enough for that.
class WICK_API Items : public std::vector<Value> {
 public:
  using std::vector<Value>::vector;
  Items() = default;
  Items(std::vector<Value> items) noexcept;
  Items(const Items&);
  Items(Items&&) noexcept;
  Items& operator=(const Items&);
  Items& operator=(Items&&) noexcept;
  ~Items();
};

/// Python's list.
struct List {
  Items items;
};

/// Python's tuple.
struct Tuple {
  Items items;
};

/// What Python knows of a tensor beyond the tensor itself.
struct TensorObject {
  Tensor tensor;
  /// torch.nn.Parameter instead of torch.Tensor. Saving writes back what was loaded.
  bool is_parameter = false;
  /// Attributes that Python code has set on it (its __dict__); null where it has none.
  std::shared_ptr<Dict> attributes = nullptr;
};

/// A storage that is saved by itself: torch.TypedStorage, or torch.UntypedStorage, which is bytes.
/// Tensors of the same checkpoint may lie in it, and then do here.
struct WICK_API StorageObject {
  std::shared_ptr<Storage> storage;
  std::optional<DType> dtype = std::nullopt;  // of a TypedStorage

  /// All whole elements, in one dimension, over the storage itself; uint8 where it is untyped.
  [[nodiscard]] Tensor tensor() const;
};

/// An integer type of 64 bits at most; no characters, which are text.
template <typename T>
concept PlainInteger = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char> &&
                       !std::same_as<T, wchar_t> && !std::same_as<T, char8_t> &&
                       !std::same_as<T, char16_t> && !std::same_as<T, char32_t> && sizeof(T) <= 8;

/// A Python object: one of the kinds below. Scalars are copied; containers are shared handles, so
/// that copies of a Value refer to one list, as names do in Python, and sharing survives a round
/// trip through a checkpoint. Comparing and hashing follow Python for numbers (1 == 1.0 == True);
/// tensors compare by dtype, shape and bits; a placeholder is equal to itself only.
///
/// Thread safety: as for the standard containers.
class WICK_API Value {
 public:
  enum class Kind : std::uint8_t {
    none,
    boolean,
    integer,
    real,
    complex,
    string,
    bytes,
    list,
    tuple,
    dict,
    set,
    size,
    dtype,
    device,
    tensor,
    big_integer,  // an int beyond 64 bits
    byte_array,
    frozen_set,
    storage,
    layout,
    placeholder,  // of an object, class or function that wick does not have: core/placeholder.h
  };

  Value() = default;  // None
  // Out of line: what 21 kinds need is compiled once.
  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();
  Value(std::nullptr_t) {}
  // Numbers are taken as they are: what would only be converted to one (a pointer to True, a long
  // double, an unscoped enumerator, a character) does not compile.
  template <std::same_as<bool> T>
  Value(T value) : data_(value) {}
  /// Of kind `big_integer` for a std::uint64_t or std::size_t from 2^63 on.
  template <PlainInteger T>
  Value(T value)
      : data_(data_of(static_cast<std::uint64_t>(value), std::in_range<std::int64_t>(value))) {}
  template <typename T>
  requires std::same_as<T, double> || std::same_as<T, float> Value(T value)
      : data_(static_cast<double>(value)) {}
  template <typename T>
  requires std::same_as<T, std::complex<double>> || std::same_as<T, std::complex<float>> Value(
      T value)
      : data_(std::complex<double>(value)) {}
  Value(std::string value);
  Value(std::string_view value);
  /// Throws ValueError for null.
  Value(const char* value);
  Value(Bytes value);
  /// Of kind `integer` where it fits 64 bits.
  Value(BigInteger value);
  Value(ByteArray value);
  Value(List value);
  /// A list.
  template <typename T>
  requires std::convertible_to<const T&, Value> Value(const std::vector<T>& items) {
    List list;
    list.items.reserve(items.size());
    for (const auto& item : items) list.items.emplace_back(item);
    *this = Value(std::move(list));
  }
  Value(Tuple value);
  Value(Dict value);
  Value(Set value);
  Value(FrozenSet value);
  // Of containers that others share. They throw ValueError for null.
  Value(std::shared_ptr<List> value);
  Value(std::shared_ptr<Tuple> value);
  Value(std::shared_ptr<Dict> value);
  Value(std::shared_ptr<Set> value);
  Value(std::shared_ptr<FrozenSet> value);
  Value(std::shared_ptr<Placeholder> value);
  Value(Size value);
  Value(DType value) : data_(value) {}
  Value(DeviceName value);
  Value(Device value) : Value(DeviceName(value)) {}
  Value(Layout value) : data_(value) {}
  /// Throws ValueError where it has no storage.
  Value(StorageObject value);
  Value(Tensor value);
  Value(TensorObject value);
  /// StateDict::to_value(), a dict.
  Value(const StateDict& state);
  /// A torch.nn.Parameter. Like PyTorch's, it wants a gradient unless told otherwise.
  [[nodiscard]] static Value parameter(Tensor value, bool requires_grad = true);

  [[nodiscard]] Kind kind() const noexcept { return static_cast<Kind>(data_.index()); }
  /// The Python name of the kind: "None", "int", "dict", "torch.Tensor", ... A subclass has the
  /// name of what it is a kind of: OrderedDict is a "dict", a Parameter a "torch.Tensor".
  [[nodiscard]] std::string_view kind_name() const noexcept;
  [[nodiscard]] bool is_none() const noexcept { return kind() == Kind::none; }

  // Each returns what the value holds, or throws ValueError that names both kinds.
  [[nodiscard]] bool as_bool() const;
  /// An int that fits 64 bits; ValueError says where it does not.
  [[nodiscard]] std::int64_t as_int() const;
  /// Any int.
  [[nodiscard]] BigInteger as_big_integer() const;
  /// A float, or an int or bool converted, as Python's float() does; ValueError for an int beyond
  /// the range of float64.
  [[nodiscard]] double as_double() const;
  [[nodiscard]] std::complex<double> as_complex() const;
  [[nodiscard]] const std::string& as_string() const;
  [[nodiscard]] const Bytes& as_bytes() const;
  [[nodiscard]] std::string& as_byte_array() const;
  [[nodiscard]] std::vector<Value>& as_list() const;
  [[nodiscard]] std::vector<Value>& as_tuple() const;
  /// The items of a list or a tuple.
  [[nodiscard]] const std::vector<Value>& as_sequence() const;
  [[nodiscard]] Dict& as_dict() const;
  [[nodiscard]] Set& as_set() const;
  [[nodiscard]] const FrozenSet& as_frozen_set() const;
  [[nodiscard]] const Dims& as_size() const;
  [[nodiscard]] DType as_dtype() const;
  [[nodiscard]] const DeviceName& as_device() const;
  [[nodiscard]] Layout as_layout() const;
  [[nodiscard]] const StorageObject& as_storage() const;
  [[nodiscard]] Placeholder& as_placeholder() const;
  /// Also of a parameter.
  [[nodiscard]] const Tensor& as_tensor() const;
  [[nodiscard]] TensorObject& as_tensor_object() const;

  /// The value under a key of a dict. Throws ValueError where there is none.
  [[nodiscard]] const Value& at(const Value& key) const;
  /// The value under a key of a dict, or an item of a list or tuple, where negative indices count
  /// from the end: `checkpoint["opt"]["param_groups"][0]["lr"]`. Throws ValueError that names the
  /// key and the keys there are, or IndexError. It only reads: Dict::set() and as_list() write.
  [[nodiscard]] const Value& operator[](const Value& key) const;
  [[nodiscard]] bool contains(const Value& key) const;
  /// An item of a list or tuple. Throws IndexError.
  [[nodiscard]] const Value& at_index(std::size_t index) const;

  /// Address of the object that this value shares (a container, a tensor, a device), else null:
  /// equal addresses, same object.
  [[nodiscard]] const void* identity() const noexcept;

  /// Deep comparison; containers must be of the same kind. Do not call it on a container that
  /// contains itself. Values may be nested to any depth.
  friend WICK_API bool operator==(const Value& a, const Value& b);

 private:
  using Data = std::variant<std::monostate, bool, std::int64_t, double, std::complex<double>,
                            std::string, Bytes, std::shared_ptr<List>, std::shared_ptr<Tuple>,
                            std::shared_ptr<Dict>, std::shared_ptr<Set>, std::shared_ptr<Size>,
                            DType, std::shared_ptr<const DeviceName>, std::shared_ptr<TensorObject>,
                            BigInteger, std::shared_ptr<ByteArray>, std::shared_ptr<FrozenSet>,
                            StorageObject, Layout, std::shared_ptr<Placeholder>>;
  // An int64 where the number fits one, else (from 2^63 on) a BigInteger.
  [[nodiscard]] static Data data_of(std::uint64_t bits, bool fits_int64);
  template <typename T>
  [[nodiscard]] const T& get(std::string_view wanted) const;

  Data data_;
};

/// Python's hash rules for keys: throws ValueError for lists, dicts, sets, bytearrays, tensors and
/// storages. Equal keys have equal hashes, other keys hardly ever, whoever chose them; the values
/// differ from process to process (core/keyed_hash.h). A NaN, which equals nothing, has the hash of
/// its address.
[[nodiscard]] WICK_API std::size_t hash_key(const Value& key);

/// Python's dict: keys of any hashable kind, in order of insertion. Also the kinds of dict in
/// module collections.
class WICK_API Dict {
 public:
  enum class Type : std::uint8_t {
    dict,
    ordered_dict,  // may carry attributes: PyTorch's state dictionaries keep `_metadata` there
    counter,
    default_dict,  // may name a default factory
  };
  using Entry = std::pair<Value, Value>;

  Dict();
  explicit Dict(Type type);
  Dict(std::initializer_list<Entry> entries);
  Dict(const Dict&);
  Dict(Dict&&) noexcept;
  Dict& operator=(const Dict&);
  Dict& operator=(Dict&&) noexcept;
  ~Dict();  // however deep it is nested, as ~Items()
  /// A defaultdict. `factory` is the Python name of the type whose call gives missing values
  /// ("int", "list", "OrderedDict"; one of default_factories()), or empty for None. Kept for
  /// checkpoints: here, missing keys stay missing. Throws ValueError for another name.
  [[nodiscard]] static Dict default_dict(std::string_view factory);
  [[nodiscard]] static std::span<const std::string_view> default_factories() noexcept;

  [[nodiscard]] Type type() const noexcept { return type_; }
  [[nodiscard]] const std::string& default_factory() const noexcept { return default_factory_; }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] std::vector<Entry>::const_iterator begin() const { return entries_.begin(); }
  [[nodiscard]] std::vector<Entry>::const_iterator end() const { return entries_.end(); }

  /// Null where there is none. Invalidated by set() of a new key.
  [[nodiscard]] Value* find(const Value& key);
  [[nodiscard]] const Value* find(const Value& key) const;
  /// Throws ValueError that names the key and the keys there are.
  [[nodiscard]] const Value& at(const Value& key) const;
  /// The same: reading makes no entry, as in Python. set() writes.
  [[nodiscard]] const Value& operator[](const Value& key) const { return at(key); }
  /// Overwrites where the key is there, else appends. A NaN is never there.
  void set(Value key, Value value);

  /// The instance attributes of an OrderedDict (its __dict__); null where it has none.
  [[nodiscard]] const std::shared_ptr<Dict>& attributes() const noexcept { return attributes_; }
  void set_attributes(std::shared_ptr<Dict> attributes) { attributes_ = std::move(attributes); }

 private:
  friend class ValueComparison;
  Type type_ = Type::dict;
  std::string default_factory_;
  std::vector<Entry> entries_;
  std::unordered_multimap<std::size_t, std::size_t> index_;  // hash of the key -> entry
  std::shared_ptr<Dict> attributes_;
};

/// Python's set, in order of insertion.
class WICK_API Set {
 public:
  Set() = default;
  Set(std::initializer_list<Value> items);

  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
  [[nodiscard]] auto begin() const { return items_.begin(); }
  [[nodiscard]] auto end() const { return items_.end(); }
  [[nodiscard]] bool contains(const Value& item) const { return items_.find(item) != nullptr; }
  void insert(Value item) { items_.set(std::move(item), Value()); }

 private:
  friend class ValueComparison;
  Dict items_;  // the keys are the items
};

/// Python's frozenset: a set that is a key itself, and does not change.
class WICK_API FrozenSet {
 public:
  FrozenSet() : FrozenSet(Set()) {}
  explicit FrozenSet(Set items);

  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
  [[nodiscard]] auto begin() const { return items_.begin(); }
  [[nodiscard]] auto end() const { return items_.end(); }
  [[nodiscard]] bool contains(const Value& item) const { return items_.contains(item); }
  [[nodiscard]] const Set& items() const noexcept { return items_; }
  /// Of its items, in whatever order they are; worked out once, so that sets in each other cost
  /// nothing more.
  [[nodiscard]] std::size_t hash() const noexcept { return hash_; }

 private:
  friend class ValueComparison;
  Set items_;
  std::size_t hash_ = 0;
};

}  // namespace wick
