// SPDX-License-Identifier: MIT
#include "nn/sequential.h"

namespace wick::nn {

Module& Sequential::append(std::string name, std::unique_ptr<Module> module) {
  Module& child = register_child(std::move(name), std::move(module));
  structure_changed();
  return child;
}

ValueId Sequential::append_steps(StepList& steps, ValueId x) const {
  for (const auto& [name, child] : children()) x = steps.module(name, *child, x);
  return x;
}

}  // namespace wick::nn
