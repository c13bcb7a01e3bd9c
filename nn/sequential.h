// SPDX-License-Identifier: MIT
// Modules one after the other.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "nn/linear.h"
#include "nn/module.h"
#include "nn/relu.h"

namespace wick::nn {

/// torch.nn.Sequential. Names become the first part of the state dictionary's keys:
/// "layer1.weight". A Linear and the ReLU behind it run as one operation, forward and backward.
/// Under autocast (Module::autocast), what goes from one Linear to the next, through a ReLU or not,
/// is bfloat16.
///
///   nn::Sequential model;
///   model.add<nn::Linear>("layer1", 784, 32, generator);
///   model.add<nn::ReLU>("relu");
///   model.add<nn::Linear>("layer2", 32, 10, generator);
class Sequential final : public Module {
 public:
  [[nodiscard]] std::string_view type_name() const noexcept override { return "Sequential"; }

  /// Constructs a module in place at the end. PyTorch's own names, where none are given, are "0",
  /// "1", ... Throws ValueError for a name that is taken, empty, or has a dot.
  template <std::derived_from<Module> M, typename... Args>
  M& add(std::string name, Args&&... args) {
    auto module = std::make_unique<M>(std::forward<Args>(args)...);
    M& result = *module;
    append(std::move(name), std::move(module));
    return result;
  }
  Module& append(std::string name, std::unique_ptr<Module> module);
  [[nodiscard]] std::size_t size() const noexcept { return children().size(); }

  [[nodiscard]] Tensor forward(const Tensor& input) override;
  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;

  [[nodiscard]] bool is_ready_for_backward() const noexcept override;
  void require_ready_for_backward(const std::string& path = {}) const override;

 private:
  // One child, with what is known of its kind for fusion.
  struct Step {
    Module* module;
    Linear* linear;                   // the same child, if it is one
    ReLU* relu;                       // likewise
    bool fused_relu_after;            // a Linear that does the work of the ReLU behind it
    std::uint64_t forward_count = 0;  // the child's, after the last forward() here
  };
  [[nodiscard]] bool is_for_autocast(std::size_t linear) const;
  [[nodiscard]] static bool is_ready(const Step& step) noexcept;

  std::vector<Step> steps_;
};

}  // namespace wick::nn
