// SPDX-License-Identifier: MIT
// How the copy of a module comes by its parameters and buffers.
#pragma once

#include <memory>
#include <unordered_map>

#include "wick/core/compiler.h"
#include "wick/core/parameter.h"

namespace wick::nn {

/// State that is saved but not trained. A shared handle: who keeps one sees what Module::to() and
/// load_state_dict() do.
using BufferPtr = std::shared_ptr<Tensor>;

/// Passed down by Module::clone() and Module::share(). Handles that are equal in the original are
/// equal in the copy.
class WICK_API ModuleCopier {
 public:
  enum class Depth {
    shared,  // the copy has the handles of the original
    deep     // the copy has new ones, whose tensors have memory of their own
  };
  explicit ModuleCopier(Depth depth) : depth_(depth) {}

  /// The copy's handle for one of the original's; null for null.
  [[nodiscard]] ParameterPtr operator()(const ParameterPtr& parameter);
  [[nodiscard]] BufferPtr operator()(const BufferPtr& buffer);

 private:
  Depth depth_;
  std::unordered_map<const Parameter*, ParameterPtr> parameters_;
  std::unordered_map<const Tensor*, BufferPtr> buffers_;
};

}  // namespace wick::nn
