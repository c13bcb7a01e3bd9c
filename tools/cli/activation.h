// SPDX-License-Identifier: MIT
// The functions that a foreign network may have between its linear layers.
#pragma once

#include <string>
#include <string_view>

#include "wick/nn/sequential.h"

namespace wick::tools {

/// One of PyTorch's activations with its default arguments, by its name on the command line;
/// gelu_tanh is GELU(approximate='tanh').
class Activation {
 public:
  /// Throws ValueError that lists the names there are.
  [[nodiscard]] static Activation from_name(std::string_view text);
  [[nodiscard]] static Activation relu() { return from_name("relu"); }
  /// "none, relu, ...", for messages.
  [[nodiscard]] static std::string names();

  [[nodiscard]] std::string_view name() const noexcept;
  /// Appends the layer to a network under that name; nothing for "none".
  void add_to(nn::Sequential& model, std::string child) const;

  friend bool operator==(const Activation&, const Activation&) = default;

 private:
  explicit Activation(std::size_t row) : row_(row) {}
  std::size_t row_;  // of the table
};

}  // namespace wick::tools
