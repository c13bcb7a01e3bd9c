// SPDX-License-Identifier: MIT
#include "wick/core/containers.h"

#include <unordered_set>
#include <utility>

#include "wick/core/placeholder.h"

namespace wick {
using Kind = Value::Kind;

bool is_container(const Value& value) {
  const Kind kind = value.kind();
  return kind == Kind::list || kind == Kind::tuple || kind == Kind::dict || kind == Kind::set ||
         kind == Kind::frozen_set || kind == Kind::placeholder ||
         (kind == Kind::tensor && value.as_tensor_object().attributes != nullptr);
}

std::vector<Value> containers_in(const Value& container) {
  std::vector<Value> result;
  const auto take = [&result](const Value& value) {
    if (is_container(value)) result.push_back(value);
  };
  if (container.kind() == Kind::tensor) {
    const auto& attributes = container.as_tensor_object().attributes;
    if (attributes != nullptr) result.emplace_back(attributes);
  } else if (container.kind() == Kind::dict) {
    const Dict& dict = container.as_dict();
    for (const auto& [key, value] : dict) take(key), take(value);
    if (dict.attributes() != nullptr) result.emplace_back(dict.attributes());
  } else if (container.kind() == Kind::set) {
    for (const auto& [item, unused] : container.as_set()) take(item);
  } else if (container.kind() == Kind::frozen_set) {
    for (const auto& [item, unused] : container.as_frozen_set()) take(item);
  } else if (container.kind() == Kind::placeholder) {
    const Placeholder& object = container.as_placeholder();
    for (const Value& argument : object.arguments) take(argument);
    take(object.keywords);
    for (const auto& [key, value] : object.entries) take(key), take(value);
    for (const Value& item : object.items) take(item);
    take(object.state);
  } else {
    for (const Value& item : container.as_sequence()) take(item);
  }
  return result;
}

void empty_container(const Value& container) {
  switch (container.kind()) {
    case Kind::list: container.as_list().clear(); break;
    case Kind::tuple: container.as_tuple().clear(); break;
    case Kind::dict: container.as_dict() = Dict(); break;
    case Kind::set: container.as_set() = Set(); break;
    case Kind::tensor: container.as_tensor_object().attributes = nullptr; break;
    case Kind::placeholder: container.as_placeholder() = Placeholder(); break;
    default: break;  // a frozen set holds only what was complete before it: it closes no circle
  }
}

// The handles in `containers` keep everything alive until all are empty, so that nothing is
// destroyed recursively.
void take_apart(const Value& root) {
  std::vector<Value> pending{root};
  std::vector<Value> containers;
  std::unordered_set<const void*> seen;
  while (!pending.empty()) {
    const Value value = std::move(pending.back());
    pending.pop_back();
    if (!is_container(value) || !seen.insert(value.identity()).second) continue;
    for (Value& inner : containers_in(value)) pending.push_back(std::move(inner));
    containers.push_back(value);
  }
  for (const Value& container : containers) empty_container(container);
}

}  // namespace wick
