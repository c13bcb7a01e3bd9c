// SPDX-License-Identifier: MIT
#include "bindings/c/circles.h"

#include <unordered_map>
#include <utility>
#include <vector>

#include "wick/core/containers.h"
#include "wick/core/error.h"

namespace wick::c {

void require_no_circle(const Value& value) {
  if (!is_container(value)) return;
  struct Open {
    const void* identity;
    std::vector<Value> inside;
  };
  // Of each container that was seen: whether it is one of those that are open now.
  std::unordered_map<const void*, bool> is_open;
  std::vector<Open> open;
  const auto enter = [&](const Value& container) {
    const auto [at, is_new] = is_open.try_emplace(container.identity(), true);
    if (is_new) {
      open.push_back({container.identity(), containers_in(container)});
    } else if (at->second) {
      throw ValueError(concat("the ", container.kind_name(), " contains itself"));
    }
  };
  enter(value);
  while (!open.empty()) {
    if (open.back().inside.empty()) {
      is_open[open.back().identity] = false;
      open.pop_back();
      continue;
    }
    const Value next = std::move(open.back().inside.back());
    open.back().inside.pop_back();
    enter(next);
  }
}

}  // namespace wick::c
