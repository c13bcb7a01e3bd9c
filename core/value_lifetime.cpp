// SPDX-License-Identifier: MIT
// How containers end: one after the other, where destructors alone would call each other as deep as
// the containers are nested.
#include <new>
#include <utility>

#include "wick/core/containers.h"
#include "wick/core/placeholder.h"
#include "wick/core/value.h"

namespace wick {
namespace {

// Of a value that was moved away, nothing is left to look at.
bool holds_values(const Value& value) {
  return value.identity() != nullptr && is_container(value);
}

// What waits in this thread for the container that is being destroyed; null where none is.
thread_local std::vector<Value>* waiting = nullptr;

// Destroys the values. A container among them that nobody else holds ends in this loop: its
// destructor comes back to here and only adds what it held.
void destroy(std::vector<Value>&& values) noexcept {
  if (waiting != nullptr) {
    try {
      for (Value& value : values) {
        if (holds_values(value)) waiting->push_back(std::move(value));
      }
    } catch (const std::bad_alloc&) {
      // What is left ends with `values`, which recurses: no worse than before.
    }
    return;
  }
  std::vector<Value> queue = std::move(values);
  waiting = &queue;
  while (!queue.empty()) {
    // Out of the queue first: its destructor may add to it.
    const Value last = std::move(queue.back());
    queue.pop_back();
  }
  waiting = nullptr;
}

}  // namespace

Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;

Items::Items(std::vector<Value> items) noexcept : std::vector<Value>(std::move(items)) {}
Items::Items(const Items&) = default;
Items::Items(Items&&) noexcept = default;
Items& Items::operator=(const Items&) = default;
Items& Items::operator=(Items&&) noexcept = default;

Items::~Items() {
  for (const Value& item : *this) {
    if (!holds_values(item)) continue;
    destroy(std::move(*this));
    return;
  }
}

Dict::Dict() = default;
Dict::Dict(Type type) : type_(type) {}
Dict::Dict(const Dict&) = default;
Dict::Dict(Dict&&) noexcept = default;
Dict& Dict::operator=(const Dict&) = default;
Dict& Dict::operator=(Dict&&) noexcept = default;

Dict::~Dict() {
  std::vector<Value> inner;
  try {
    for (auto& [key, value] : entries_) {
      if (holds_values(key)) inner.push_back(std::move(key));
      if (holds_values(value)) inner.push_back(std::move(value));
    }
    if (attributes_ != nullptr) inner.emplace_back(std::move(attributes_));
  } catch (const std::bad_alloc&) {
    // What was not taken out ends with the members.
  }
  if (!inner.empty()) destroy(std::move(inner));
}

Placeholder::~Placeholder() {
  std::vector<Value> inner;
  try {
    for (std::vector<Value>* const values : {&arguments, &items}) {
      for (Value& value : *values) {
        if (holds_values(value)) inner.push_back(std::move(value));
      }
    }
    for (Value* const value : {&keywords, &state}) {
      if (holds_values(*value)) inner.push_back(std::move(*value));
    }
  } catch (const std::bad_alloc&) {
    // What was not taken out ends with the members.
  }
  if (!inner.empty()) destroy(std::move(inner));
}

}  // namespace wick
