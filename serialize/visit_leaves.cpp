// SPDX-License-Identifier: MIT
#include "serialize/visit_leaves.h"

#include <memory>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "wick/core/placeholder.h"

namespace wick {
namespace {

using Kind = Value::Kind;

// The name of what it is at is one string that grows and shrinks on the way.
class Walk {
 public:
  Walk(const std::function<void(const std::string&, const Value&)>& visit, bool parts)
      : visit_(visit), parts_(parts) {}

  void run(const Value& root) {
    enter(root);
    while (!path_.empty()) {
      Frame& frame = path_.back();
      name_.resize(frame.name_bytes);
      if (frame.next == frame.size) {
        path_.pop_back();
      } else {
        step(frame);
      }
    }
  }

 private:
  struct Frame {
    const Dict* dict = nullptr;  // else items
    const std::vector<Value>* items = nullptr;
    std::shared_ptr<const std::vector<PlaceholderPart>> parts = nullptr;  // of a placeholder
    std::size_t size = 0;
    std::size_t next = 0;
    std::size_t name_bytes = 0;  // of the container
  };

  void step(Frame& frame) {
    const std::size_t position = frame.next++;
    if (frame.parts != nullptr) {
      const auto parts = frame.parts;  // the frame may move
      append((*parts)[position].name);
      enter((*parts)[position].value);
      return;
    }
    if (frame.dict == nullptr) {
      append(std::to_string(position));
      enter((*frame.items)[position]);
      return;
    }
    const auto& [key, value] = *(frame.dict->begin() + static_cast<std::ptrdiff_t>(position));
    if (key.kind() == Kind::string) {
      append(key.as_string());
    } else {
      append(name_of_key(key, position));
    }
    enter(value);
  }

  void append(std::string_view part) {
    if (!name_.empty()) name_ += '.';
    name_ += part;
  }

  // What name_ is the name of.
  void enter(const Value& value) {
    const bool dict = value.kind() == Kind::dict;
    const bool placeholder = value.kind() == Kind::placeholder;
    if (!dict && !placeholder && value.kind() != Kind::list && value.kind() != Kind::tuple) {
      visit_(name_, value);
      return;
    }
    if (!seen_.insert(value.identity()).second) return;
    Frame frame{.name_bytes = name_.size()};
    if (placeholder) {
      visit_(name_, value);
      if (!parts_) return;
      frame.parts =
          std::make_shared<const std::vector<PlaceholderPart>>(parts_of(value.as_placeholder()));
      frame.size = frame.parts->size();
      path_.push_back(frame);
      return;
    }
    if (dict) {
      frame.dict = &value.as_dict();
      frame.size = frame.dict->size();
    } else {
      frame.items = &value.as_sequence();
      frame.size = frame.items->size();
    }
    if (frame.size == 0) visit_(name_, value);
    path_.push_back(frame);
  }

  const std::function<void(const std::string&, const Value&)>& visit_;
  bool parts_;  // of placeholders too
  std::string name_;
  std::vector<Frame> path_;
  std::unordered_set<const void*> seen_;
};

}  // namespace

void visit_leaves(const Value& root,
                  const std::function<void(const std::string& name, const Value& leaf)>& visit,
                  Placeholders placeholders) {
  Walk(visit, placeholders == Placeholders::with_parts).run(root);
}

}  // namespace wick
