// SPDX-License-Identifier: MIT
// What a module adds to its input.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "wick/core/compiler.h"
#include "wick/nn/composite.h"

namespace wick::nn {

/// y = x + module(x), where the module keeps the shape. The module is a child under a name of
/// yours, so that the keys of its parameters are those of the PyTorch module that does the same:
///
///   model.add<nn::Residual>("block1", "body", std::move(body));  // block1.body.0.weight, ...
class WICK_API Residual final : public Composite {
 public:
  /// Throws ValueError for null and for a name that is empty or has a dot.
  Residual(std::string name, std::unique_ptr<Module> module) {
    register_child(std::move(name), std::move(module));
  }
  Residual(const Residual& other, ModuleCopier& copier) : Composite(other, copier) {}

  [[nodiscard]] std::string_view type_name() const noexcept override { return "Residual"; }
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override {
    return std::make_unique<Residual>(*this, copier);
  }
  [[nodiscard]] ValueId append_steps(StepList& steps, ValueId x) const override {
    const auto& [name, child] = children().front();
    return steps.add(x, steps.module(name, *child, x));
  }
};

}  // namespace wick::nn
