// SPDX-License-Identifier: MIT
#include "wick/serialize/tensor_info.h"

#include "serialize/visit_leaves.h"
#include "wick/core/error.h"

namespace wick {

NamedObjects named_objects(const Value& value, std::uint64_t max_name_bytes) {
  NamedObjects found;
  const auto charge = [&max_name_bytes](const std::string& name) -> const std::string& {
    if (name.size() > max_name_bytes) {
      throw ValueError(
          "the names of the tensors are out of all proportion to the size of the pickle");
    }
    max_name_bytes -= name.size();
    return name;
  };
  visit_leaves(value, [&](const std::string& name, const Value& leaf) {
    if (leaf.kind() == Value::Kind::tensor) {
      found.tensors.push_back({charge(name), leaf.as_tensor()});
    } else if (leaf.kind() == Value::Kind::storage) {
      found.storages.push_back({charge(name), leaf.as_storage()});
    }
  });
  return found;
}

}  // namespace wick
