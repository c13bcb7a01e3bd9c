// SPDX-License-Identifier: MIT
// Equality and hashes of values, by Python's rules and without recursion.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "wick/core/error.h"
#include "wick/core/keyed_hash.h"
#include "wick/core/value.h"

namespace wick {
namespace {

using Kind = Value::Kind;

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

// Of the storages whole, what is left behind the last element too.
bool storages_equal(const StorageObject& a, const StorageObject& b) {
  return a.dtype == b.dtype &&
         bitwise_equal(StorageObject{a.storage}.tensor(), StorageObject{b.storage}.tensor());
}

bool holds_values(Kind kind) {
  return kind == Kind::list || kind == Kind::tuple || kind == Kind::dict || kind == Kind::set ||
         kind == Kind::frozen_set;
}

// Of one kind, which holds no values.
bool plain_equal(const Value& a, const Value& b) {
  switch (a.kind()) {
    case Kind::none: return true;
    case Kind::string: return a.as_string() == b.as_string();
    case Kind::bytes: return a.as_bytes() == b.as_bytes();
    case Kind::byte_array: return a.as_byte_array() == b.as_byte_array();
    case Kind::size: return a.as_size() == b.as_size();
    case Kind::dtype: return a.as_dtype() == b.as_dtype();
    case Kind::device: return a.as_device() == b.as_device();
    case Kind::layout: return a.as_layout() == b.as_layout();
    case Kind::storage: return storages_equal(a.as_storage(), b.as_storage());
    case Kind::tensor: return bitwise_equal(a.as_tensor(), b.as_tensor());
    default: return false;
  }
}

}  // namespace

// Two values are equal where all pairs are that must be; the pairs of containers wait on a stack.
class ValueComparison {
 public:
  bool run(const Value& a, const Value& b) {
    if (!same(a, b)) return false;
    while (!waiting_.empty()) {
      const auto [left, right] = waiting_.back();
      waiting_.pop_back();
      if (!same_content(*left, *right)) return false;
    }
    return true;
  }

 private:
  // False where they differ already; a pair of containers waits its turn.
  bool same(const Value& a, const Value& b) {
    if (is_number(a.kind()) && is_number(b.kind())) return numbers_equal(a, b);
    if (a.kind() != b.kind()) return false;
    if (a.identity() != nullptr && a.identity() == b.identity()) return true;
    if (!holds_values(a.kind())) return plain_equal(a, b);
    waiting_.emplace_back(&a, &b);
    return true;
  }

  bool same_content(const Value& a, const Value& b) {
    switch (a.kind()) {
      case Kind::dict: return same_dict(a.as_dict(), b.as_dict());
      case Kind::set: return same_entries(a.as_set().items_, b.as_set().items_);
      case Kind::frozen_set:
        return same_entries(a.as_frozen_set().items_.items_, b.as_frozen_set().items_.items_);
      default: break;
    }
    const std::vector<Value>& left = a.as_sequence();
    const std::vector<Value>& right = b.as_sequence();
    return left.size() == right.size() &&
           std::equal(left.begin(), left.end(), right.begin(),
                      [this](const Value& x, const Value& y) { return same(x, y); });
  }

  bool same_dict(const Dict& a, const Dict& b) {
    if (a.type() != b.type() || a.default_factory() != b.default_factory()) return false;
    if (a.type() != Dict::Type::ordered_dict) return same_entries(a, b);
    // An OrderedDict compares its order too, as in Python.
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                              [this](const Dict::Entry& x, const Dict::Entry& y) {
                                                return same(x.first, y.first) &&
                                                       same(x.second, y.second);
                                              });
  }

  bool same_entries(const Dict& a, const Dict& b) {
    return a.size() == b.size() && std::ranges::all_of(a, [&](const Dict::Entry& entry) {
             const Dict::Entry* const other = counterpart(entry.first, b);
             return other != nullptr && same(entry.first, other->first) &&
                    same(entry.second, other->second);
           });
  }

  // The entry that may have an equal key. Where only one has its hash, the keys are compared like
  // all others, one after the other; two keys of one hash are not met in practice.
  static const Dict::Entry* counterpart(const Value& key, const Dict& dict) {
    const auto [first, last] = dict.index_.equal_range(hash_key(key));
    if (first == last) return nullptr;
    if (std::next(first) == last) return &dict.entries_[first->second];
    const auto found = std::find_if(
        first, last, [&](const auto& place) { return dict.entries_[place.second].first == key; });
    return found == last ? nullptr : &dict.entries_[found->second];
  }

  std::vector<std::pair<const Value*, const Value*>> waiting_;
};

bool operator==(const Value& a, const Value& b) {
  return ValueComparison().run(a, b);
}

namespace {

std::size_t combine(std::size_t seed, std::size_t hash) {
  return static_cast<std::size_t>(keyed_hash(seed * 0x9E3779B97F4A7C15U + hash));
}

// Numbers that are equal have one hash, whatever their kinds.
std::size_t hash_number(std::int64_t value) {
  return static_cast<std::size_t>(keyed_hash(static_cast<std::uint64_t>(value)));
}

std::size_t hash_number(double value) {
  if (value >= -0x1p63 && value < 0x1p63 && value == std::trunc(value)) {
    return hash_number(static_cast<std::int64_t>(value));
  }
  return combine(1, std::bit_cast<std::uint64_t>(value));
}

std::size_t hash_bytes(std::string_view bytes) {
  return static_cast<std::size_t>(keyed_hash(bytes));
}

// Of anything but a tuple.
std::size_t hash_plain(const Value& key) {
  const auto salted = [&key](std::size_t hash) {
    return combine(static_cast<std::size_t>(key.kind()), hash);
  };
  switch (key.kind()) {
    case Kind::none: return 0;
    case Kind::boolean: return hash_number(std::int64_t{key.as_bool()});
    case Kind::integer: return hash_number(key.as_int());
    case Kind::real:
      if (std::isnan(key.as_double())) return hash_number(reinterpret_cast<std::intptr_t>(&key));
      return hash_number(key.as_double());
    case Kind::big_integer: {
      const BigInteger value = key.as_big_integer();
      const double real = value.to_double();
      return value == real ? hash_number(real) : hash_bytes(value.bytes());
    }
    case Kind::complex: {
      const std::complex<double> value = key.as_complex();
      if (std::isnan(value.real()) || std::isnan(value.imag())) {
        return hash_number(reinterpret_cast<std::intptr_t>(&key));
      }
      const std::size_t real = hash_number(value.real());
      return value.imag() == 0.0 ? real : combine(real, hash_number(value.imag()));
    }
    case Kind::string: return hash_bytes(key.as_string());
    case Kind::bytes: return salted(hash_bytes(key.as_bytes().data));
    case Kind::frozen_set: return salted(key.as_frozen_set().hash());
    case Kind::size: {
      std::size_t hash = salted(0);
      for (const std::int64_t size : key.as_size()) hash = combine(hash, hash_number(size));
      return hash;
    }
    case Kind::dtype: return salted(static_cast<std::size_t>(key.as_dtype()));
    case Kind::device: return salted(hash_bytes(to_string(key.as_device())));
    case Kind::layout: return salted(static_cast<std::size_t>(key.as_layout()));
    case Kind::placeholder: return hash_number(reinterpret_cast<std::intptr_t>(key.identity()));
    default: break;
  }
  throw ValueError(concat("a ", key.kind_name(), " cannot be a key: it is not hashable"));
}

}  // namespace

std::size_t hash_key(const Value& key) {
  if (key.kind() != Kind::tuple) return hash_plain(key);
  struct Frame {
    std::span<const Value> left;
    std::size_t hash = static_cast<std::size_t>(Kind::tuple);
  };
  std::vector<Frame> outer;
  Frame frame{.left = key.as_tuple()};
  while (true) {
    if (frame.left.empty()) {
      if (outer.empty()) return frame.hash;
      const std::size_t hash = frame.hash;
      frame = outer.back();
      outer.pop_back();
      frame.hash = combine(frame.hash, hash);
      continue;
    }
    const Value& item = frame.left.front();
    frame.left = frame.left.subspan(1);
    if (item.kind() == Kind::tuple) {
      outer.push_back(frame);
      frame = {.left = item.as_tuple()};
    } else {
      frame.hash = combine(frame.hash, hash_plain(item));
    }
  }
}

FrozenSet::FrozenSet(Set items) : items_(std::move(items)) {
  for (const auto& [item, unused] : items_) hash_ += combine(0, hash_key(item));
}

}  // namespace wick
