// SPDX-License-Identifier: MIT
#include "tools/cli/saved_transforms.h"

namespace wick::tools {

nn::Compose saved_transforms(const Value& checkpoint) {
  if (checkpoint.kind() != Value::Kind::dict) return {};
  for (const char* const key : {"transforms", "tfs"}) {
    if (!checkpoint.contains(key) || checkpoint.at(key).is_none()) continue;
    return nn::Compose::from_value(checkpoint.at(key));
  }
  return {};
}

}  // namespace wick::tools
