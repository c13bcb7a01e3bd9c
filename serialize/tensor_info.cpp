// SPDX-License-Identifier: MIT
#include "serialize/tensor_info.h"

#include <unordered_set>
#include <utility>

#include "core/error.h"
#include "core/placeholder.h"

namespace wick {
namespace {

using Kind = Value::Kind;

class Collector {
 public:
  // Containers lie at most pickle::kMaxDepth deep, so that recursion is no danger.
  void visit(const std::string& name, const Value& value) {
    switch (value.kind()) {
      case Kind::tensor: found.tensors.push_back({name, value.as_tensor()}); break;
      case Kind::storage: found.storages.push_back({name, value.as_storage()}); break;
      case Kind::dict:
        if (enter(value)) visit_dict(name, value.as_dict());
        break;
      case Kind::list:
      case Kind::tuple:
        if (enter(value)) visit_items(name, value.as_sequence());
        break;
      case Kind::placeholder:
        if (!enter(value)) break;
        for (const auto& [part, inner] : parts_of(value.as_placeholder())) {
          visit(join(name, part), inner);
        }
        break;
      default: break;
    }
  }

  NamedObjects found;

 private:
  bool enter(const Value& container) { return seen_.insert(container.identity()).second; }

  static std::string join(const std::string& name, const std::string& part) {
    return name.empty() ? part : name + '.' + part;
  }
  void visit_dict(const std::string& name, const Dict& dict) {
    std::size_t position = 0;
    for (const auto& [key, value] : dict) {
      const std::string part = key.kind() == Kind::string    ? key.as_string()
                               : key.kind() == Kind::integer ? std::to_string(key.as_int())
                                                             : concat('<', position, '>');
      visit(join(name, part), value);
      ++position;
    }
  }
  void visit_items(const std::string& name, const std::vector<Value>& items) {
    for (std::size_t i = 0; i < items.size(); ++i) visit(join(name, std::to_string(i)), items[i]);
  }

  std::unordered_set<const void*> seen_;
};

}  // namespace

NamedObjects named_objects(const Value& value) {
  Collector collector;
  collector.visit({}, value);
  return std::move(collector.found);
}

}  // namespace wick
