// SPDX-License-Identifier: MIT
// The network of the programs: linear layers with ReLUs between them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/random.h"
#include "core/state_dict.h"
#include "nn/sequential.h"

namespace wick::tools {

/// Layers fc1, relu1, fc2, ... from sizes[0] inputs over hidden sizes to sizes.back() outputs, all
/// at least 1; the generator draws the weights in that order. The state dictionary has the keys
/// fc1.weight, fc1.bias, fc2.weight, ...
[[nodiscard]] std::unique_ptr<nn::Sequential> make_digit_net(const std::vector<std::int64_t>& sizes,
                                                             Generator& generator);

/// Rebuilds a network from a state dictionary of any names: its two-dimensional `*.weight` tensors,
/// in order, are linear layers, with the `*.bias` of the same name where there is one, and ReLUs
/// between them. Throws StateDictError where that is not what the dictionary holds; `name` is what
/// messages call it.
[[nodiscard]] std::unique_ptr<nn::Sequential> rebuild_digit_net(const StateDict& state,
                                                                const std::string& name);

/// "784-32-10".
[[nodiscard]] std::string describe(const std::vector<std::int64_t>& sizes);
/// The sizes of a network that make_digit_net() or rebuild_digit_net() made.
[[nodiscard]] std::vector<std::int64_t> layer_sizes(const nn::Sequential& model);

}  // namespace wick::tools
