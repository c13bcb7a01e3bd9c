// SPDX-License-Identifier: MIT
#include "wick/core/placeholder.h"

#include <algorithm>
#include <cstdint>
#include <unordered_set>
#include <utility>

#include "wick/core/error.h"

namespace wick {
namespace {

using Kind = Value::Kind;

void append_dict(const Dict& dict, std::vector<PlaceholderPart>& parts) {
  std::size_t position = 0;
  for (const auto& [key, value] : dict) parts.push_back({name_of_key(key, position++), value});
}

bool is_attributes(const Value& state) {
  return state.is_none() || state.kind() == Kind::dict;
}

void append_state(const Value& state, std::vector<PlaceholderPart>& parts) {
  const bool pair = state.kind() == Kind::tuple && state.as_tuple().size() == 2 &&
                    std::ranges::all_of(state.as_tuple(), is_attributes);
  if (state.kind() == Kind::dict) {
    append_dict(state.as_dict(), parts);
  } else if (pair) {
    for (const Value& attributes : state.as_tuple()) append_state(attributes, parts);
  } else if (!state.is_none()) {
    parts.push_back({"<state>", state});
  }
}

// Walks with a stack of its own. A step is a part of a name, below another step; names are put
// together only for what is found.
class Search {
 public:
  explicit Search(std::size_t named) : named_(named) {}

  PlaceholderReport run(const Value& root) {
    pending_.push_back({root, kNoStep});
    while (!pending_.empty()) {
      const auto [value, step] = std::move(pending_.back());
      pending_.pop_back();
      if (value.kind() == Kind::placeholder) {
        found(value.as_placeholder(), step);
      } else if (value.identity() != nullptr && seen_.insert(value.identity()).second) {
        enter(value, step);
      }
    }
    return std::move(report_);
  }

 private:
  static constexpr std::size_t kNoStep = SIZE_MAX;
  enum class Way : std::uint8_t { item, entry, attributes };
  struct Step {
    Way way;
    Value key;  // of an entry
    std::size_t position;
    std::size_t above;
  };
  struct Pending {
    Value value;
    std::size_t step;
  };

  void enter(const Value& value, std::size_t step) {
    const std::size_t first = pending_.size();
    std::size_t position = 0;
    if (value.kind() == Kind::list || value.kind() == Kind::tuple) {
      for (const Value& item : value.as_sequence()) add(item, {Way::item, {}, position++, step});
    } else if (value.kind() == Kind::dict) {
      for (const auto& [key, item] : value.as_dict()) {
        add(key, {Way::entry, key, position, step});
        add(item, {Way::entry, key, position++, step});
      }
      add_attributes(value.as_dict().attributes(), step);
    } else if (value.kind() == Kind::set) {
      for (const auto& [item, unused] : value.as_set()) {
        add(item, {Way::item, {}, position++, step});
      }
    } else if (value.kind() == Kind::frozen_set) {
      for (const auto& [item, unused] : value.as_frozen_set()) {
        add(item, {Way::item, {}, position++, step});
      }
    } else if (value.kind() == Kind::tensor) {
      add_attributes(value.as_tensor_object().attributes, step);
    }
    // The last one pushed is the first one taken.
    std::reverse(pending_.begin() + static_cast<std::ptrdiff_t>(first), pending_.end());
  }

  void add(const Value& value, Step step) {
    if (value.identity() == nullptr) return;  // holds nothing
    steps_.push_back(std::move(step));
    pending_.push_back({value, steps_.size() - 1});
  }
  void add_attributes(const std::shared_ptr<Dict>& attributes, std::size_t step) {
    if (attributes != nullptr) add(Value(attributes), {Way::attributes, {}, 0, step});
  }

  void found(const Placeholder& placeholder, std::size_t step) {
    ++report_.count;
    if (report_.first.size() >= named_) return;
    std::vector<std::string> parts;
    for (; step != kNoStep; step = steps_[step].above) {
      const Step& at = steps_[step];
      parts.push_back(at.way == Way::attributes ? "__dict__"
                      : at.way == Way::item     ? std::to_string(at.position)
                                                : name_of_key(at.key, at.position));
    }
    std::string name;
    std::ranges::reverse(parts);
    for (const std::string& part : parts) name += (name.empty() ? "" : ".") + part;
    report_.first.push_back({std::move(name), placeholder.type, placeholder.is_object});
  }

  std::size_t named_;
  std::vector<Step> steps_;
  std::vector<Pending> pending_;
  std::unordered_set<const void*> seen_;
  PlaceholderReport report_;
};

}  // namespace

std::string name_of_key(const Value& key, std::size_t position) {
  switch (key.kind()) {
    case Kind::string: return key.as_string();
    case Kind::integer: return std::to_string(key.as_int());
    default: return '<' + std::to_string(position) + '>';
  }
}

std::vector<PlaceholderPart> parts_of(const Placeholder& placeholder) {
  std::vector<PlaceholderPart> parts;
  for (std::size_t i = 0; i < placeholder.arguments.size(); ++i) {
    parts.push_back({"<argument " + std::to_string(i) + '>', placeholder.arguments[i]});
  }
  if (placeholder.keywords.kind() == Kind::dict) {
    append_dict(placeholder.keywords.as_dict(), parts);
  }
  append_dict(placeholder.entries, parts);
  for (std::size_t i = 0; i < placeholder.items.size(); ++i) {
    parts.push_back({std::to_string(i), placeholder.items[i]});
  }
  append_state(placeholder.state, parts);
  return parts;
}

PlaceholderReport placeholders_in(const Value& root, std::size_t named) {
  return Search(named).run(root);
}

}  // namespace wick
