// SPDX-License-Identifier: MIT
#include "serialize/object_table.h"

#include <algorithm>
#include <utility>

#include "wick/core/containers.h"
#include "wick/core/error.h"
#include "wick/core/placeholder.h"

namespace wick {
namespace {

using Kind = Value::Kind;

// Work that any pickle may cause, and how much more for each of its bytes: above what checkpoints
// need, far below what "a few bytes copied a million times" or a compressed desert would.
constexpr std::uint64_t kFreeWork = std::uint64_t{64} << 20;
constexpr std::uint64_t kWorkPerByte = 256;
constexpr std::uint64_t kContainerWork = 200;  // about the bytes of an empty dict
constexpr std::uint64_t kItemWork = 64;        // about the bytes of an item in a dict
constexpr std::uint64_t kMaxWeight = std::uint64_t{1} << 40;

// A short tuple of numbers, as shapes and strides are: it needs no entry in the table, since it
// goes without further ado and is weighed at a glance.
bool is_plain(const Value& container) {
  constexpr std::size_t kShort = 8;
  if (container.kind() != Kind::tuple || container.as_tuple().size() > kShort) return false;
  return std::ranges::all_of(container.as_tuple(),
                             [](const Value& item) { return item.kind() <= Kind::complex; });
}

}  // namespace

ObjectTable::ObjectTable(std::uint64_t input_bytes, bool placeholders)
    : budget_(kFreeWork + kWorkPerByte * input_bytes), placeholders_(placeholders) {}

ObjectTable::~ObjectTable() {
  for (const Value& container : containers_) {
    if (!reached_.contains(container.identity())) empty_container(container);
  }
}

Value ObjectTable::add(Value container) {
  spend(kContainerWork);
  if (is_plain(container)) return container;
  containers_.push_back(container);
  if (container.kind() == Kind::tuple || container.kind() == Kind::frozen_set) {
    measure_key(container);
  }
  return container;
}

Value ObjectTable::add_stand_in(StandIn what) {
  spend(kContainerWork);
  Value value{Tuple{}};
  if (placeholders_ && !std::holds_alternative<StorageId>(what)) {
    const auto* const function = std::get_if<Function>(&what);
    value = std::make_shared<Placeholder>(
        Placeholder{.type = function != nullptr ? global_name(*function)
                                                : global_name(std::get<StorageClass>(what))});
  }
  containers_.push_back(value);
  stand_ins_.emplace(value.identity(), std::move(what));
  return value;
}

const ObjectTable::StandIn* ObjectTable::stand_in(const Value& value) const {
  if (value.kind() != Kind::tuple && value.kind() != Kind::placeholder) return nullptr;
  const auto known = stand_ins_.find(value.identity());
  return known == stand_ins_.end() ? nullptr : &known->second;
}

bool ObjectTable::is_replaced(const Value& value) const {
  if (value.kind() == Kind::tuple) return stand_in(value) != nullptr;
  return value.kind() == Kind::placeholder && replacements_.contains(value.identity());
}

void ObjectTable::replace(const Value& object, Value with) {
  replacements_.insert_or_assign(object.identity(), std::move(with));
}

void ObjectTable::spend(std::uint64_t work) {
  if (work > budget_) {
    throw ValueError("the pickle makes objects out of all proportion to its size in the file");
  }
  budget_ -= work;
}

std::uint64_t ObjectTable::weight(const Value& value) const {
  switch (value.kind()) {
    case Kind::string: return 1 + value.as_string().size();
    case Kind::bytes: return 1 + value.as_bytes().data.size();
    case Kind::big_integer: return 1 + value.as_big_integer().bytes().size();
    case Kind::size: return 1 + value.as_size().size();
    case Kind::tuple:
    case Kind::frozen_set: {
      const auto known = keys_.find(value.identity());
      if (known != keys_.end()) return known->second.weight;
      return is_plain(value) ? 1 + value.as_tuple().size() : 1;
    }
    default: return 1;
  }
}

// A tuple or a frozen set is complete when it is made, so what it weighs is known then.
void ObjectTable::measure_key(const Value& container) {
  KeyInfo info;
  const auto measure = [this, &info](const Value& item) {
    info.weight = std::min(kMaxWeight, info.weight + weight(item));
    if (item.kind() != Kind::tuple && item.kind() != Kind::frozen_set) return;
    info.has_stand_in |= has_stand_in(item);
  };
  if (container.kind() == Kind::tuple) {
    for (const Value& item : container.as_tuple()) measure(item);
  } else {
    for (const auto& [item, unused] : container.as_frozen_set()) measure(item);
  }
  keys_.emplace(container.identity(), info);
}

bool ObjectTable::has_stand_in(const Value& key) const {
  if (key.kind() != Kind::tuple && key.kind() != Kind::frozen_set) return false;
  const auto known = keys_.find(key.identity());
  return known == keys_.end() ? stand_in(key) != nullptr : known->second.has_stand_in;
}

void ObjectTable::spend_copy(const Value& value) {
  if (!is_container(value)) spend(weight(value));
}

void ObjectTable::spend_key(const Value& key) {
  if (has_stand_in(key)) throw ValueError("a class, function or storage is used as a key");
  spend(weight(key));
}

void ObjectTable::spend_content(const Value& argument) {
  switch (argument.kind()) {
    case Kind::list:
    case Kind::tuple: spend(kItemWork * argument.as_sequence().size()); break;
    case Kind::dict: spend(kItemWork * argument.as_dict().size()); break;
    case Kind::byte_array: spend(argument.as_byte_array().size()); break;
    default: spend(weight(argument)); break;
  }
}

Value ObjectTable::made_of(const Value& stand_in, const StorageMaker& make) const {
  const auto known = replacements_.find(stand_in.identity());
  if (known != replacements_.end()) return known->second;
  const auto* const id = std::get_if<StorageId>(this->stand_in(stand_in));
  if (id == nullptr) throw ValueError("a class or a function lies among the values");
  return make(*id);
}

// Keys and the items of sets are none: spend_key() sees to that.
void ObjectTable::replace_stand_ins(const Value& container, const StorageMaker& make) const {
  const auto replace = [&](Value& item) {
    if (is_replaced(item)) item = made_of(item, make);
  };
  // Not by key: a NaN is not found again.
  const auto replace_in = [&](Dict& dict) {
    for (const auto& [key, value] : dict) replace(const_cast<Value&>(value));
  };
  if (container.kind() == Kind::list) {
    for (Value& item : container.as_list()) replace(item);
  } else if (container.kind() == Kind::tuple) {
    for (Value& item : container.as_tuple()) replace(item);
  } else if (container.kind() == Kind::dict) {
    replace_in(container.as_dict());
  } else if (container.kind() == Kind::placeholder) {
    Placeholder& object = container.as_placeholder();
    for (Value& argument : object.arguments) replace(argument);
    for (Value& item : object.items) replace(item);
    replace(object.keywords);
    replace(object.state);
    replace_in(object.entries);
  }
}

// Walks with a stack of its own: containers may be nested to any depth, and contain themselves.
void ObjectTable::accept(Value& root, const StorageMaker& make) {
  if (is_replaced(root)) root = made_of(root, make);
  if (!is_container(root)) return;
  std::vector<Value> pending{root};
  reached_.insert(root.identity());
  while (!pending.empty()) {
    const Value container = std::move(pending.back());
    pending.pop_back();
    bool replaced = false;
    const std::size_t first = pending.size();
    for (Value& inner : containers_in(container)) {
      if (is_replaced(inner)) {
        if (!std::exchange(replaced, true)) replace_stand_ins(container, make);
      } else if (reached_.insert(inner.identity()).second) {
        pending.push_back(std::move(inner));
      }
    }
    std::reverse(pending.begin() + static_cast<std::ptrdiff_t>(first), pending.end());
  }
}

}  // namespace wick
