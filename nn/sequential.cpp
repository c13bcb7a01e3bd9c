// SPDX-License-Identifier: MIT
#include "wick/nn/sequential.h"

#include <utility>

#include "wick/core/text.h"

namespace wick::nn {

Module& Sequential::append(std::string name, std::unique_ptr<Module> module) {
  Module& child = register_child(std::move(name), std::move(module));
  structure_changed();
  return child;
}

Sequential::Sequential(std::initializer_list<Item> modules) {
  for (const Item& item : modules) append(std::move(item.module_));
}

std::string Sequential::next_name() const {
  return concat(size());
}

ValueId Sequential::append_steps(StepList& steps, ValueId x) const {
  for (const auto& [name, child] : children()) x = steps.module(name, *child, x);
  return x;
}

std::unique_ptr<Module> Sequential::copy(ModuleCopier& copier) const {
  return std::make_unique<Sequential>(*this, copier);
}

}  // namespace wick::nn
