// SPDX-License-Identifier: MIT
// The functions that a foreign network may have between its linear layers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "nn/sequential.h"

namespace wick::tools {

/// PyTorch's functions of these names with their default arguments; gelu_tanh is
/// GELU(approximate='tanh').
enum class Activation : std::uint8_t {
  none,
  relu,
  leaky_relu,
  elu,
  gelu,
  gelu_tanh,
  silu,
  sigmoid,
  tanh,
};

/// Throws ValueError that lists the names there are.
[[nodiscard]] Activation activation_from_name(std::string_view text);
[[nodiscard]] std::string_view name(Activation activation) noexcept;
/// "none, relu, ...", for messages.
[[nodiscard]] std::string activation_names();

/// f(x), in float64.
[[nodiscard]] double activate(Activation activation, double x) noexcept;

/// Appends the function to a network under that name; nothing for `none`. All but ReLU are computed
/// on the CPU, whatever the network's device, and cannot be trained.
void add_activation(nn::Sequential& model, std::string child, Activation activation);

}  // namespace wick::tools
