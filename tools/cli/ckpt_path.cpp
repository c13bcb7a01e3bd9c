// SPDX-License-Identifier: MIT
#include "tools/cli/ckpt_path.h"

#include "wick/core/placeholder.h"

namespace wick::tools {
namespace {

std::optional<Value> search(const Value& root, std::string_view name);

std::optional<Value> find_below(const Value& child, std::string_view part, std::string_view name) {
  if (name == part) return child;
  if (name.size() > part.size() && name.starts_with(part) && name[part.size()] == '.') {
    return search(child, name.substr(part.size() + 1));
  }
  return std::nullopt;
}

// The name gets shorter with each level, so that this ends even in a container that holds itself.
std::optional<Value> search(const Value& root, std::string_view name) {
  if (root.kind() == Value::Kind::dict) {
    std::size_t position = 0;
    for (const auto& [key, child] : root.as_dict()) {
      auto found = find_below(child, name_of_key(key, position++), name);
      if (found) return found;
    }
  } else if (root.kind() == Value::Kind::list || root.kind() == Value::Kind::tuple) {
    std::size_t position = 0;
    for (const Value& child : root.as_sequence()) {
      auto found = find_below(child, std::to_string(position++), name);
      if (found) return found;
    }
  } else if (root.kind() == Value::Kind::placeholder) {
    for (const auto& [part, child] : parts_of(root.as_placeholder())) {
      auto found = find_below(child, part, name);
      if (found) return found;
    }
  }
  return std::nullopt;
}

// Each step back goes to the last '*' only, so that no pattern takes long.
bool fits(std::string_view name, std::string_view pattern) {
  std::size_t n = 0;
  std::size_t p = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

std::optional<Value> find_part(const Value& root, std::string_view name) {
  return name.empty() ? root : search(root, name);
}

bool matches(std::string_view name, std::string_view pattern) {
  if (name == pattern) return true;
  const bool below =
      name.size() > pattern.size() && name.starts_with(pattern) && name[pattern.size()] == '.';
  return below || fits(name, pattern);
}

}  // namespace wick::tools
