// SPDX-License-Identifier: MIT
// Modules one after the other.
#pragma once

#include <concepts>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "wick/core/compiler.h"
#include "wick/nn/composite.h"
#include "wick/nn/layers/activation.h"
#include "wick/nn/layers/linear.h"

namespace wick::nn {

namespace detail {

template <typename... Args>
inline constexpr bool begins_with_text = false;
template <typename First, typename... Rest>
inline constexpr bool begins_with_text<First, Rest...> = std::convertible_to<First, std::string>;

}  // namespace detail

/// torch.nn.Sequential. Names become the first part of the state dictionary's keys:
/// "layer1.weight". A Linear and the ReLU behind it run as one operation, forward and backward.
/// Under autocast (Module::autocast), what goes from one Linear to the next, through a ReLU or not,
/// is bfloat16.
///
///   nn::Sequential model{nn::Linear(784, 32), nn::ReLU(), nn::Linear(32, 10)};  // "0", "1", "2"
///
///   nn::Sequential model;
///   model.add<nn::Linear>("layer1", 784, 32);
///   model.add<nn::ReLU>("relu");
///   model.add<nn::Linear>("layer2", 32, 10);
class WICK_API Sequential final : public Composite {
 public:
  Sequential() = default;
  Sequential(const Sequential& other, ModuleCopier& copier) : Composite(other, copier) {}
  /// What a list of modules consists of; takes the module over.
  class Item {
   public:
    // M is never an Item, nor of an lvalue. NOLINTBEGIN(bugprone-*forwarding-reference*)
    template <std::derived_from<Module> M>
    Item(M&& module) : module_(std::make_unique<M>(std::move(module))) {}
    // NOLINTEND(bugprone-*forwarding-reference*)
    template <std::derived_from<Module> M>
    Item(std::unique_ptr<M> module) noexcept : module_(std::move(module)) {}

   private:
    friend class Sequential;
    mutable std::unique_ptr<Module> module_;  // what is in an initializer list is const
  };
  /// torch.nn.Sequential(a, b, ...), whose names are "0", "1", ... It is written with braces, in
  /// which C++ makes the layers from left to right, so that they draw their weights in PyTorch's
  /// order. As there, a single Sequential in braces becomes a layer of the new one; parentheses
  /// move it.
  Sequential(std::initializer_list<Item> modules);

  [[nodiscard]] std::string_view type_name() const noexcept override { return "Sequential"; }
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
  [[nodiscard]] ValueId append_steps(StepList& steps, ValueId x) const override;

  /// The chain of linear layers that a state dictionary of any program holds, with an activation
  /// between each two: PyTorch's class name, for make_module(), or "Identity". The layers stand in
  /// the order of the numbers in their names, or else in the only one that their shapes allow
  /// (nn/linear_chain.h). A dotted name makes Sequentials in each other, so that state_dict() has
  /// the keys of `state`; dtype and device are those of the first weight. In training mode.
  ///
  /// Throws StateDictError where the state is no such chain, and ValueError for the activation.
  [[nodiscard]] static std::unique_ptr<Sequential> from_state_dict(
      const StateDict& state, std::string_view activation = "ReLU");
  [[nodiscard]] static std::unique_ptr<Sequential> from_state_dict(
      const Value& state, std::string_view activation = "ReLU") {
    return from_state_dict(StateDict::from_value(state), activation);
  }

  /// Constructs a module in place at the end, from what is behind its name. Throws ValueError for a
  /// name that is taken, empty, or has a dot.
  template <std::derived_from<Module> M, typename... Args>
  M& add(std::string name, Args&&... args) {
    auto module = std::make_unique<M>(std::forward<Args>(args)...);
    M& result = *module;
    append(std::move(name), std::move(module));
    return result;
  }
  /// The same without a name: it is PyTorch's, the number of modules before it, "0", "1", ... A
  /// first argument that is text is a name; a module whose own first argument is text (GELU's
  /// `approximate`, the name in a Residual) gets one in front: add<GELU>("0", "tanh").
  template <std::derived_from<Module> M, typename... Args>
  requires(!detail::begins_with_text<Args...>) M& add(Args&&... args) {
    return add<M>(next_name(), std::forward<Args>(args)...);
  }
  Module& append(std::string name, std::unique_ptr<Module> module);
  Module& append(std::unique_ptr<Module> module) { return append(next_name(), std::move(module)); }
  [[nodiscard]] std::size_t size() const noexcept { return children().size(); }

 private:
  [[nodiscard]] std::string next_name() const;
};

}  // namespace wick::nn
